// What the bridges of UDP do alike with datagrams of guests at a host socket: those for one socket leave in
// as few calls as it takes them, what it does not take is dropped and counted, since UDP has no queue here,
// and what fails is told to the guest as ICMP.
//
// Thread: confined to the stack.
#pragma once

#include <cerrno>
#include <optional>
#include <span>

#include "core/egress/sockets.h"
#include "slirp/bridge_environment.h"
#include "slirp/icmp_error.h"

namespace wgr::slirp {

// Sends in order. Before a failed datagram is tried once more, `read_errors()` takes the socket's error
// queue; `unsent(datagram, error)` is told of one that the host could not send and left no complaint about
// there.
template <typename ReadErrors, typename Unsent>
void send_datagrams(egress::DatagramSocket& socket, std::span<const egress::DatagramOut> rest,
                    Counters& counters, ReadErrors read_errors, Unsent unsent) {
  bool is_retry = false;
  while (!rest.empty()) {
    const egress::IoResult result = socket.send(rest);
    for (const egress::DatagramOut& datagram : rest.first(result.bytes)) {
      counters.udp.bytes_sent.add(datagram.payload.size());
    }
    counters.udp.packets_sent.add(result.bytes);
    rest = rest.subspan(result.bytes);
    if (result.bytes > 0) is_retry = false;
    if (rest.empty()) return;
    if (result.would_block()) return counters.drops.count(DropReason::kSocketFull, rest.size());
    counters.udp.errors.add();
    read_errors();
    // The error may belong to an earlier datagram, whose complaint has come back: then this one passes at
    // once.
    if (!is_retry && result.error != EMSGSIZE) {
      is_retry = true;
      continue;
    }
    // A refused size has left its complaint in the error queue, a missing route has not.
    if (result.error != EMSGSIZE) unsent(rest.front(), result.error);
    is_retry = false;
    counters.drops.count(DropReason::kSocketFailed);
    rest = rest.subspan(1);
  }
}

// A datagram that a guest sent, as it sent it; `payload` is as much of it as is known.
struct SentDatagram {
  Guest& guest;
  SocketAddress from;
  SocketAddress to;
  Bytes payload;
};

// ICMP for the guest about one.
void tell_datagram_error(const BridgeEnvironment& environment, const SentDatagram& about,
                         const IcmpError& icmp, std::optional<IpAddress> reporter, Instant now,
                         PacketBatch& out);

}  // namespace wgr::slirp
