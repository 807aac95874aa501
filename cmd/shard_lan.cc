// The virtual LANs' side of the crossroads.
#include <algorithm>
#include <utility>

#include "cmd/shard.h"
#include "core/wire/ethernet.h"
#include "core/wire/ip.h"

namespace wgr {

using EventKind = Mail::SessionEvent::Kind;

// --- sessions of this worker ---

void Shard::session_opened(SessionId session, NetworkIndex network, const slirp::lan::SessionOwner& owner,
                           Instant now) {
  const WorkerIndex home = network_home(network, outbox_.mail.size());
  if (home == index_) {
    lan_.session_opened(session, network, owner, now);
  } else {
    outbox_.mail[home].events.push_back({EventKind::kOpened, session, network, owner});
  }
}

void Shard::frames_received(SessionId session, NetworkIndex network, std::span<const MutableBytes> frames,
                            Instant now) {
  const WorkerIndex home = network_home(network, outbox_.mail.size());
  if (home == index_) {
    for (const MutableBytes frame : frames) lan_.receive(session, network, frame, now);
    end_batch(now);
    return;
  }
  Mail& mail = outbox_.mail[home];
  for (const MutableBytes frame : frames) {
    if (frame.size() < wire::kEthernetHeaderSize) {  // weighs as much as a long one
      counters_.drops.count(DropReason::kFrameMalformed);
      continue;
    }
    mail.frames.push_back({session, network, mail.append(frame)});
  }
}

void Shard::session_heard(SessionId session, NetworkIndex network, Instant now) {
  const WorkerIndex home = network_home(network, outbox_.mail.size());
  if (home == index_) {
    lan_.session_heard(session, network, now);
  } else {
    outbox_.mail[home].events.push_back({EventKind::kHeard, session, network, {}});
  }
}

void Shard::session_closed(SessionId session, NetworkIndex network, Instant now) {
  const WorkerIndex home = network_home(network, outbox_.mail.size());
  if (home == index_) {
    lan_.session_closed(session, network, now);
    note_stations();
  } else {
    outbox_.mail[home].events.push_back({EventKind::kClosed, session, network, {}});
  }
}

// --- packets of stations ---

void Shard::take_station_packets(Instant now) {
  note_stations();
  if (lan_.packets().empty()) return;
  GuestId last;
  for (const LanHub::StationPacket& item : lan_.packets()) {
    if (item.packet.guest != last) note_station(last = item.packet.guest);
    count_from_guests({&item.packet, 1}, now);
    if (!forward(item.network, item.packet, now)) from_stations_.push_back(item.packet);
  }
  lan_.packets().clear();
  if (!from_stations_.empty()) stack_.receive(from_stations_, now, packets_);
  from_stations_.clear();
}

// A link that is not like the others.
void Shard::note_station(GuestId station) {
  const std::uint16_t mtu = lan_.segment(network_of(station))->config().mtu;
  if (mtu != peer_mtu_) stack_.set_guest_mtu(station, mtu);
}

// Stations that are forgotten, and sessions that have to end.
void Shard::note_stations() {
  for (const GuestId station : lan_.gone()) stack_.remove_guest(station);
  lan_.gone().clear();
  for (const auto& closing : lan_.closings()) {
    const Mail::Closing item{closing.session, closing.code, closing.reason};
    const WorkerIndex worker = closing.session.worker();
    (worker == index_ ? outbox_.closings : outbox_.mail[worker].closings).push_back(item);
  }
  lan_.closings().clear();
}

void Shard::forward_to_network(const NextHop& hop, const PacketView& packet, Instant now) {
  if (hop.home == index_) {
    send_to_station_at(hop.network, packet.bytes, now);
    return;
  }
  Mail& mail = outbox_.mail[hop.home];
  mail.lan_packets.push_back({packet.guest, hop.network, mail.append(packet.bytes)});
}

void Shard::send_to_station(std::span<const PacketView> packets, Instant now) {
  for (const PacketView& packet : packets) lan_.send(packet.guest, packet.bytes, now);
}

void Shard::send_to_station_at(NetworkIndex network, Bytes packet, Instant now) {
  const auto ends = wire::IpEnds::parse(packet);
  const GuestId station = ends ? lan_.station_at(network, ends->destination) : GuestId{};
  if (station) {
    lan_.send(station, packet, now);
  } else {
    counters_.drops.count(DropReason::kStationUnknown);
  }
}

// --- mail ---

// Openings first and closings last, so that a session's frames fall between.
void Shard::take_lan_mail(Mail& mail, Instant now) {
  for (const Mail::SessionEvent& event : mail.events) {
    if (event.kind != EventKind::kOpened) continue;
    lan_.session_opened(event.session, event.network, event.owner, now);
  }
  for (const Mail::Frame& frame : mail.frames) {
    lan_.receive(frame.session, frame.network, mail.at(frame.piece), now);
  }
  take_station_packets(now);
  for (const Mail::SessionEvent& event : mail.events) {
    if (event.kind == EventKind::kHeard) lan_.session_heard(event.session, event.network, now);
    if (event.kind == EventKind::kClosed) lan_.session_closed(event.session, event.network, now);
  }
  for (const Mail::LanPacket& packet : mail.lan_packets) {
    send_to_station_at(packet.to, mail.at(packet.piece), now);
  }
}

// Frames and datagrams for sessions that other workers accepted.
void Shard::stage_session_mail() {
  const auto post = [this](SessionId to, Bytes message) {
    if (to.worker() >= outbox_.mail.size()) {
      counters_.drops.count(DropReason::kSessionGone);
      return;
    }
    Mail& mail = outbox_.mail[to.worker()];
    mail.messages.push_back({to, mail.append(message)});
  };
  for (const auto& frame : lan_.frames().frames()) {
    if (frame.to.worker() != index_) post(frame.to, frame.bytes);
  }
  for (const DatagramBatch::Run& run : outbox_.datagrams.runs()) {
    if (is_here(run.to)) continue;
    for (std::size_t begin = 0; begin < run.bytes.size(); begin += run.segment_size) {
      const std::size_t size = std::min(run.segment_size, run.bytes.size() - begin);
      post(SessionId::from_value(run.to.session), run.bytes.subspan(begin, size));
    }
  }
}

}  // namespace wgr
