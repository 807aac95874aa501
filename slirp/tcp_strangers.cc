#include "slirp/tcp_strangers.h"

#include "slirp/tcp/seq.h"

namespace wgr::slirp {

TcpStrangers::TcpStrangers(const BridgeEnvironment& environment)
    : environment_(environment), entries_(environment.hash, FlowKind::kTimeWait, &Guest::time_wait) {}

void TcpStrangers::retire(Guest& guest, const tcp::Connection& connection, Instant now) {
  // Reopened entries leave their place in the order behind: it is bounded too.
  const std::size_t cap = environment_.config.limits.time_wait_entries;
  while (!order_.empty() && (entries_.size() >= cap || order_.size() >= 2 * cap)) erase_oldest();
  const Instant end = now + environment_.config.tcp.time_wait;
  Entry& entry = entries_.insert(connection.key(), guest, connection.remains(now), now, end);
  order_.push_back({end, entry.token});
  environment_.counters.time_wait_entries.add();
}

bool TcpStrangers::admits(Guest& guest, const FlowKey& key, const wire::IpView& packet,
                          const wire::TcpView& segment, Instant now, PacketBatch& out) {
  if (Entry* entry = entries_.find(key)) {
    switch (answer_in_time_wait(*entry, segment, now)) {
      case Answer::kReopen:
        environment_.counters.time_wait_reopened.add();
        erase(*entry);
        return true;
      case Answer::kAcknowledge:
        acknowledge(*entry, now, out);
        return false;
      case Answer::kNone:
        return false;
    }
  }
  const wire::TcpFlags flags = segment.flags();
  if (flags.syn() && !flags.ack() && !flags.rst() && !flags.fin()) return true;
  environment_.counters.drops.count(DropReason::kFlowUnknown);
  reset(guest, packet, segment, out);
  return false;
}

TcpStrangers::Answer TcpStrangers::answer_in_time_wait(Entry& entry, const wire::TcpView& segment,
                                                       Instant now) {
  const tcp::Remains& remains = entry.remains;
  const wire::TcpFlags flags = segment.flags();
  if (flags.rst()) return Answer::kNone;  // RFC 1337 3
  if (flags.syn() && !flags.ack() && !flags.fin()) {
    // RFC 6191 2; RFC 9293 MAY-2. The clock of our own numbers makes them newer too.
    const std::optional<wire::Timestamps> timestamps = segment.options().timestamps;
    if (remains.has_timestamps && timestamps && timestamps->value != remains.timestamp_recent) {
      const bool is_newer = tcp::SeqNumber{remains.timestamp_recent} < tcp::SeqNumber{timestamps->value};
      return is_newer ? Answer::kReopen : Answer::kAcknowledge;
    }
    const bool is_newer = tcp::SeqNumber{remains.receive_next} <= tcp::SeqNumber{segment.sequence()};
    return is_newer ? Answer::kReopen : Answer::kAcknowledge;
  }
  // A FIN again: our acknowledgement was lost, and 2 MSL start anew.
  if (flags.fin()) {
    entry.ends = now + environment_.config.tcp.time_wait;
    return Answer::kAcknowledge;
  }
  return flags.syn() || !segment.payload().empty() ? Answer::kAcknowledge : Answer::kNone;
}

void TcpStrangers::acknowledge(const Entry& entry, Instant now, PacketBatch& out) {
  wire::TcpHeader header;
  header.source_port = entry.key.remote.port;
  header.destination_port = entry.key.guest_side.port;
  header.sequence = entry.remains.send_next;
  header.acknowledgement = entry.remains.receive_next;
  header.flags = wire::kTcpAck;
  if (entry.remains.has_timestamps) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - entry.retired).count();
    header.options.timestamps = wire::Timestamps{
        .value = entry.remains.timestamp_value + static_cast<std::uint32_t>(elapsed),
        .echo = entry.remains.timestamp_recent,
    };
  }
  environment_.guest_packets.tcp(*entry.guest, header, entry.key.remote.ip, entry.key.guest_side.ip, out);
}

// RFC 9293 3.10.7.1.
void TcpStrangers::reset(Guest& guest, const wire::IpView& packet, const wire::TcpView& segment,
                         PacketBatch& out) {
  const wire::TcpFlags flags = segment.flags();
  if (flags.rst()) return;
  wire::TcpHeader header;
  header.source_port = segment.destination_port();
  header.destination_port = segment.source_port();
  if (flags.ack()) {
    header.sequence = segment.acknowledgement();
    header.flags = wire::kTcpRst;
  } else {
    const std::size_t length = segment.payload().size() + (flags.syn() ? 1 : 0) + (flags.fin() ? 1 : 0);
    header.acknowledgement = segment.sequence() + static_cast<std::uint32_t>(length);
    header.flags = wire::kTcpRst | wire::kTcpAck;
  }
  environment_.guest_packets.tcp(guest, header, packet.destination, packet.source, out);
  environment_.counters.resets_sent.add();
}

void TcpStrangers::on_deadline(Instant now) {
  while (!order_.empty() && order_.front().at <= now) {
    Entry* entry = entries_.at(order_.front().token);
    order_.pop_front();
    if (entry == nullptr) continue;
    if (entry->ends <= now) {
      erase(*entry);
    } else {  // its FIN came again: it waits at the end, at most one lifetime too long
      order_.push_back({entry->ends, entry->token});
    }
  }
}

void TcpStrangers::erase_oldest() {
  Entry* entry = entries_.at(order_.front().token);
  order_.pop_front();
  if (entry != nullptr) erase(*entry);
}

void TcpStrangers::remove_guest(Guest& guest) {
  while (Entry* entry = entries_.oldest(guest)) erase(*entry);
}

void TcpStrangers::erase(Entry& entry) {
  entries_.erase(entry);
  environment_.counters.time_wait_entries.subtract();
}

}  // namespace wgr::slirp
