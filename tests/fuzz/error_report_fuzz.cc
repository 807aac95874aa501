// Error reports and resolv.conf from any bytes. The first byte chooses; for a report the next two are the
// lengths of the destination and of the control messages.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/egress/error_queue.h"
#include "core/egress/host_name.h"
#include "core/egress/system_resolvers.h"

namespace wgr::egress {
namespace {

Bytes take(Bytes& from, std::size_t count) {
  const Bytes front = from.first(std::min(count, from.size()));
  from = from.subspan(front.size());
  return front;
}

void fuzz_report(Bytes input) {
  const Bytes lengths = take(input, 2);
  if (lengths.size() < 2) return;
  const Bytes destination = take(input, lengths[0]);
  const Bytes written = take(input, lengths[1]);
  sockaddr_storage name{};
  const std::size_t name_length = std::min(destination.size(), sizeof name);
  if (name_length != 0) std::memcpy(&name, destination.data(), name_length);
  alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
  if (!written.empty()) std::memcpy(control.data(), written.data(), written.size());
  msghdr message{};
  message.msg_name = &name;
  message.msg_namelen = static_cast<socklen_t>(name_length);
  message.msg_control = control.data();
  message.msg_controllen = written.size();
  const auto error = parse_error_report(message, input);
  if (error && error->payload.size() != input.size()) std::abort();
}

void fuzz_text(std::string_view text) {
  if (parse_resolv_conf(text).size() > kMaxSystemResolvers) std::abort();
  if (is_host_name(text) && IpAddress::parse(text)) std::abort();
}

}  // namespace
}  // namespace wgr::egress

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const wgr::Bytes rest{data + 1, size - 1};
  if (data[0] % 2 == 0) {
    wgr::egress::fuzz_report(rest);
  } else {
    wgr::egress::fuzz_text({reinterpret_cast<const char*>(rest.data()), rest.size()});
  }
  return 0;
}
