// Host names to addresses, off the packet path: the C library's resolver on one helper thread, so that
// /etc/hosts, search lists and nsswitch count. For the endpoints of peers; packets of guests carry
// addresses already.
//
// The caller asks egress::Policy about each address before it uses it, and retries when it likes: nothing
// is cached or repeated here.
//
// Thread: resolve() may be called from any thread; the handler runs in the io_context it names, which lives
// longer than the Resolver.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boost/asio/io_context.hpp"

#include "core/address.h"

namespace wgr::egress {

class Resolver {
 public:
  static constexpr std::size_t kMaxWaiting = 1024;  // names; a further one is answered with an error
  static constexpr std::size_t kMaxAddresses = 16;  // of one name

  struct Answer {
    std::vector<IpAddress> addresses;  // in the order of RFC 6724; empty with an error
    std::string error;                 // one clause for the operator, empty when resolved
  };
  using Handler = std::function<void(const Answer&)>;
  using Lookup = std::function<Answer(const std::string& name)>;

  // Looks up with getaddrinfo, or with what a test gives. `lookup` runs on the helper thread.
  Resolver();
  explicit Resolver(Lookup lookup);
  // No handler runs that was not posted before. A lookup under way is left to end by itself.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // A numeric address, and what is no name at all, is answered without the helper thread; the handler is
  // posted in any case, never called from here.
  void resolve(std::string_view name, boost::asio::io_context& context, Handler handler);

 private:
  struct State;

  std::shared_ptr<State> state_;
};

// getaddrinfo, blocking. Leaves out addresses that need a scope.
Resolver::Answer look_up(const std::string& name);

}  // namespace wgr::egress
