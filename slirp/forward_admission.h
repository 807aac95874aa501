// How many flows outside clients may have through forwards: of one source, of one forward, to one guest and
// in all, so that nobody outside exhausts what a guest may hold (Limits, forward_*).
//
// A flow holds a Ticket; it gives its share back when it ends, whoever ends it.
//
// Thread: confined to the stack.
#pragma once

#include <cstddef>
#include <set>
#include <unordered_map>

#include "core/address.h"
#include "core/result.h"
#include "slirp/config.h"
#include "slirp/flow_hash.h"
#include "slirp/flow_token.h"
#include "slirp/guest.h"

namespace wgr::slirp {

class ForwardAdmission {
 public:
  // The live flows of one forward.
  using Flows = std::set<FlowToken>;

  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)),
          flows_(other.flows_),
          guest_(other.guest_),
          source_(other.source_),
          token_(other.token_) {}
    Ticket& operator=(Ticket&& other) = delete;
    ~Ticket() {
      if (admission_ != nullptr) admission_->give_back(*this);
    }

   private:
    friend class ForwardAdmission;
    Ticket(ForwardAdmission& admission, Flows& flows, Guest& guest, const IpAddress& source, FlowToken token)
        : admission_(&admission), flows_(&flows), guest_(&guest), source_(source), token_(token) {}

    ForwardAdmission* admission_;
    Flows* flows_;
    Guest* guest_;
    IpAddress source_;
    FlowToken token_;
  };

  // All outlive the tickets.
  ForwardAdmission(const Limits& limits, const FlowHash& hash, Gauge& active)
      : limits_(limits), active_(active), sources_(0, Hasher{&hash}) {}
  ForwardAdmission(const ForwardAdmission&) = delete;
  ForwardAdmission& operator=(const ForwardAdmission&) = delete;

  // A flow from `client`, one source with source_of(client), that will have `token`; or which cap forbids it.
  // `flows` and `guest` outlive the ticket.
  Result<Ticket> admit(const IpAddress& client, Flows& flows, Guest& guest, FlowToken token);

  std::size_t active_flows() const noexcept { return total_; }

 private:
  struct Hasher {
    std::size_t operator()(const IpAddress& ip) const noexcept { return (*hash)(SocketAddress{ip, 0}); }
    const FlowHash* hash;
  };

  void give_back(const Ticket& ticket) noexcept;

  const Limits& limits_;
  Gauge& active_;
  std::size_t total_ = 0;
  std::unordered_map<IpAddress, std::size_t, Hasher> sources_;  // that have flows
};

}  // namespace wgr::slirp
