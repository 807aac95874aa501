#include "slirp/datagram_sending.h"

#include <array>

namespace wgr::slirp {
namespace {

constexpr std::size_t kMaxQuote = 1280;

}  // namespace

void tell_datagram_error(const BridgeEnvironment& environment, const SentDatagram& about,
                         const IcmpError& icmp, std::optional<IpAddress> reporter, Instant now,
                         PacketBatch& out) {
  std::array<std::uint8_t, kMaxQuote> quote;
  const MutableBytes original = write_quoted_udp(quote, about.from, about.to, about.payload);
  if (environment.guest_packets.error(about.guest, original, icmp, now, out, reporter)) {
    environment.counters.udp.icmp_errors.add();
  }
}

}  // namespace wgr::slirp
