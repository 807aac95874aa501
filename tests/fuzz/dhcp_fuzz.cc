// Any bytes as a client's DHCP message to a server with a small pool. What was read lies within its bounds;
// whatever the server says can be read, fits the client and keeps the books of the lease table.
#include <cstdlib>
#include <vector>

#include "core/wire/dhcp.h"
#include "slirp/lan/dhcp_server.h"

namespace wgr::slirp::lan {
namespace {

using wire::DhcpOption;
using wire::DhcpView;

void require(bool claim) {
  if (!claim) std::abort();
}

NetworkConfig network() {
  NetworkConfig config;
  config.subnet = *Prefix::parse("10.0.0.0/29");
  config.gateway = IpAddress::v4(10, 0, 0, 1);
  config.dhcp.static_leases = {{MacAddress{{2, 0, 0, 0, 0, 1}}, IpAddress::v4(10, 0, 0, 5), "fixed"}};
  return config;
}

void require_valid(const DhcpServer::Reply& reply, const DhcpView& asked) {
  const auto view = DhcpView::parse(reply.message);
  require(view && view->op() == wire::DhcpOp::kReply && view->type().has_value());
  require(view->xid() == asked.xid() && view->mac() == asked.mac());
  require(reply.message.size() >= wire::kBootpMinimum && reply.message.size() <= 1420 - 28);
  require(view->has(DhcpOption::kServerIdentifier));
}

void fuzz_view(const DhcpView& view) {
  require(view.chaddr().size() <= 16);
  for (int code = 1; code < 255; ++code) {
    const auto data = view.option(DhcpOption(code));
    require(data.has_value() == view.has(DhcpOption(code)));
    if (data) require(data->size() <= wire::kDhcpMaxMessage);
  }
}

// The input is one message after another: two bytes of length, a byte of sender, the message.
void fuzz_dhcp(Bytes input) {
  const NetworkConfig config = network();
  Counters counters;
  Instant now{std::chrono::seconds{1}};
  LeaseTable table{config, counters, {}, WallTime{}, now};
  DhcpServer server{config, table, counters};
  while (input.size() >= 3) {
    const std::size_t size = std::min<std::size_t>(load_be<std::uint16_t>(input.data()), input.size() - 3);
    const std::uint8_t sender = input[2];
    // A copy, so that reading past it is seen.
    std::vector<std::uint8_t> message(input.begin() + 3,
                                      input.begin() + 3 + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(3 + size);
    const auto view = DhcpView::parse(message);
    if (view) fuzz_view(*view);

    MacAddress from{{2, 0, 0, 0, 0, static_cast<std::uint8_t>(sender & 7)}};
    if ((sender & 8) != 0 && view && view->mac()) from = *view->mac();
    const auto reply = server.receive(message, from, sender >> 4 & 3, IpAddress{}, now);
    if (reply) require_valid(*reply, *view);
    now += std::chrono::seconds{sender};
    table.on_deadline(now);
    table.take_ended();
    require(table.size() <= 5);
    require(counters.leases.value() >= 0 && counters.leases.value() <= 5);
    require(table.next_deadline() > now);
  }
  const LeaseTable again{config, counters, table.leases(), WallTime{}, now};
  require(again.size() <= table.size());
}

}  // namespace
}  // namespace wgr::slirp::lan

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::slirp::lan::fuzz_dhcp({data, size});
  return 0;
}
