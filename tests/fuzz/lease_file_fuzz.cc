// Any bytes as a lease file. What was read is printed and read again as the same.
#include <cstdlib>
#include <string_view>

#include "slirp/lan/lease_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgr::slirp::lan;
  const LeaseFile file = parse_lease_file({reinterpret_cast<const char*>(data), size});
  if (file.faults.size() > kMaxLeaseFaults + 1) std::abort();
  const std::string printed = print_lease_file(file.networks);
  const LeaseFile again = parse_lease_file(printed);
  if (!again.faults.empty() || again.is_foreign) std::abort();
  // A network whose name no line can hold is left out; all others come back in order.
  auto next = again.networks.begin();
  for (const NetworkLeases& network : file.networks) {
    if (next != again.networks.end() && network == *next) ++next;
  }
  if (next != again.networks.end()) std::abort();
  if (print_lease_file(again.networks) != printed) std::abort();
  return 0;
}
