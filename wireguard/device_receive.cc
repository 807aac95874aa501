// The way in: one function per message, each downhill from the datagram to what it does.
#include <algorithm>

#include "wireguard/device.h"
#include "wireguard/peer.h"

namespace wgr::wireguard {
namespace {

// What the IP header says of a decrypted packet. Whether the rest of it is sound is the stack's matter.
struct InnerHeader {
  std::size_t length;  // of the packet, without padding
  Bytes source;
};

std::optional<InnerHeader> read_inner_header(Bytes packet) noexcept {
  constexpr std::size_t kIpv4Header = 20;
  constexpr std::size_t kIpv6Header = 40;
  const unsigned version = packet[0] >> 4;
  if (version == 4 && packet.size() >= kIpv4Header) {
    const std::size_t length = load_be<std::uint16_t>(packet.data() + 2);
    if (length < kIpv4Header || length > packet.size()) return std::nullopt;
    return InnerHeader{length, packet.subspan(12, 4)};
  }
  if (version == 6 && packet.size() >= kIpv6Header) {
    const std::size_t length = kIpv6Header + load_be<std::uint16_t>(packet.data() + 4);
    if (length > packet.size()) return std::nullopt;
    return InnerHeader{length, packet.subspan(8, 16)};
  }
  return std::nullopt;
}

// For every packet: whole words, without a call.
bool is_same(const IpAddress& address, Bytes source) noexcept {
  const std::uint8_t* const a = address.bytes().data();
  const std::uint8_t* const b = source.data();
  if (source.size() == 4) return address.is_v4() && load_le<std::uint32_t>(a) == load_le<std::uint32_t>(b);
  return address.is_v6() && load_le<std::uint64_t>(a) == load_le<std::uint64_t>(b) &&
         load_le<std::uint64_t>(a + 8) == load_le<std::uint64_t>(b + 8);
}

// Nobody can be answered at port 0.
bool is_answerable(const Endpoint& from) noexcept {
  return from.kind != Endpoint::Kind::kUdp || from.remote.port != 0;
}

// A session that we dialed: whoever is behind it was chosen by the operator, and tells no address of his own.
bool is_dialed(const Endpoint& from) noexcept {
  return from.kind == Endpoint::Kind::kSession && from.remote.ip.is_unspecified();
}

DropReason reason_for(Keypair::Failure failure) noexcept {
  switch (failure) {
    case Keypair::Failure::kExpired:
      return DropReason::kKeypairExpired;
    case Keypair::Failure::kReplayed:
      return DropReason::kReplayed;
    default:
      return DropReason::kAuthenticationFailed;
  }
}

}  // namespace

void Device::receive(const Endpoint& from, MutableBytes datagrams, std::size_t segment_size, Instant now,
                     Out& out) {
  ++run_;
  if (datagrams.empty()) return receive_one(from, datagrams, now, out);
  for (std::size_t begin = 0; begin < datagrams.size();) {
    const MutableBytes rest = datagrams.subspan(begin);
    const MutableBytes first = rest.first(std::min(segment_size, rest.size()));
    if (const IndexTable::Entry* const entry = find_transport(from, first)) [[likely]] {
      begin += receive_transport(*entry, from, rest, segment_size, now, out);
    } else {
      receive_one(from, first, now, out);
      begin += first.size();
    }
  }
}

const IndexTable::Entry* Device::find_transport(const Endpoint& from, Bytes datagram) const noexcept {
  if (classify(datagram) != MessageType::kTransport || !is_answerable(from)) return nullptr;
  const std::uint32_t index = receiver_index(datagram, MessageType::kTransport);
  if (worker_of(index) != worker_) return nullptr;
  const IndexTable::Entry* const entry = local_.indices.find(index);
  return entry != nullptr && entry->keypair != nullptr ? entry : nullptr;
}

void Device::receive_one(const Endpoint& from, MutableBytes bytes, Instant now, Out& out) {
  const std::optional<MessageType> type = classify(bytes);
  const bool is_sound = type && is_answerable(from);
  const bool has_index = is_sound && *type != MessageType::kInitiation;
  const std::uint32_t index = has_index ? receiver_index(bytes, *type) : 0;
  if (has_index && worker_of(index) != worker_) {  // its home counts it as received
    out.stray_datagrams.push_back({worker_of(index), from, bytes});
    local_.counters.stray_datagrams.add();
    return;
  }
  local_.counters.received_datagrams.add();
  local_.counters.received_datagram_bytes.add(bytes.size());
  if (!is_sound) {
    drop(DropReason::kDatagramMalformed);
    return;
  }
  if (*type == MessageType::kInitiation) {
    receive_initiation(from, bytes, now, out);
    return;
  }
  const IndexTable::Entry* const entry = local_.indices.find(index);
  if (entry == nullptr) {
    drop(DropReason::kIndexUnknown);
    return;
  }
  if (*type == MessageType::kTransport) {
    drop(DropReason::kIndexUnknown);  // of a handshake that has no keys yet
  } else if (*type == MessageType::kResponse) {
    receive_response(*entry->peer, from, bytes, now, out);
  } else {
    receive_cookie_reply(*entry->peer, bytes, now);
  }
}

std::size_t Device::receive_transport(const IndexTable::Entry& entry, const Endpoint& from,
                                      MutableBytes datagrams, std::size_t segment_size, Instant now,
                                      Out& out) {
  Peer& peer = *entry.peer;
  Keypair& keypair = *entry.keypair;
  const auto head = load_le<std::uint64_t>(datagrams.data());  // type, reserved bytes and index
  Peer::Received received;
  std::size_t count = 0;
  std::size_t begin = 0;
  while (begin < datagrams.size()) {
    const std::size_t size = std::min(segment_size, datagrams.size() - begin);
    std::uint8_t* const at = datagrams.data() + begin;
    if (size < kTransportOverhead || load_le<std::uint64_t>(at) != head) break;
    begin += size;
    ++count;
    const Keypair::Opened opened = keypair.open({at, size}, now);
    if (opened.failure != Keypair::Failure::kNone) [[unlikely]] {
      drop(reason_for(opened.failure));
      continue;
    }
    ++received.datagrams;
    received.bytes += size;
    if (opened.packet.empty()) continue;
    ++received.packets;
    accept_packet(peer, opened.packet, out);
  }
  local_.counters.received_datagrams.add(count);
  local_.counters.received_datagram_bytes.add(begin);
  if (received.datagrams == 0) return begin;
  local_.counters.keepalives_received.add(received.datagrams - received.packets);
  peer.transport_received(keypair, from, run_, received, now, out.datagrams);
  packet_passed(peer);
  return begin;
}

void Device::accept_packet(const Peer& peer, MutableBytes packet, Out& out) {
  const std::optional<InnerHeader> header = read_inner_header(packet);
  if (!header) {
    drop(DropReason::kPacketMalformed);
    return;
  }
  if (owner_of(header->source) != peer.id()) {
    drop(DropReason::kSourceNotAllowed);
    return;
  }
  local_.counters.received_packets.add();
  local_.counters.received_bytes.add(header->length);
  out.packets.push_back({peer.id(), packet.first(header->length)});
}

GuestId Device::owner_of(Bytes source) noexcept {
  if (!last_source_ || !is_same(*last_source_, source)) {
    const GuestId* const owner = allowed_ips_->lookup(source);
    last_source_ = IpAddress::from_bytes(source);
    last_owner_ = owner == nullptr ? GuestId{} : *owner;
  }
  return last_owner_;
}

void Device::receive_initiation(const Endpoint& from, Bytes datagram, Instant now, Out& out) {
  const auto message = read_message<Initiation>(datagram);
  if (!pass_gate(from, datagram, load_le<std::uint32_t>(message.sender.data()), now, out)) return;
  std::optional<OpenedInitiation> opened = open_initiation(local_.identity, message);
  if (!opened) {
    drop(DropReason::kHandshakeInvalid);
    return;
  }
  const std::optional<GuestId> peer = directory_->find(opened->initiator);
  if (!peer) {
    drop(DropReason::kHandshakeUnknownPeer);
    return;
  }
  opened->peer = *peer;
  opened->from = from;
  if (peer->home() != worker_) {
    out.stray_initiations.push_back(*opened);
    local_.counters.stray_initiations.add();
    return;
  }
  receive(*opened, now, out);
}

void Device::receive(const OpenedInitiation& initiation, Instant now, Out& out) {
  Peer* const peer = find_peer(initiation.peer);
  if (peer == nullptr || peer->public_key() != initiation.initiator) {
    drop(DropReason::kHandshakeUnknownPeer);
    return;
  }
  if (const auto refusal = peer->receive_initiation(initiation, now, out.datagrams)) drop(*refusal);
  arm(*peer);
}

void Device::receive_response(Peer& peer, const Endpoint& from, Bytes datagram, Instant now, Out& out) {
  const auto message = read_message<Response>(datagram);
  if (!pass_gate(from, datagram, load_le<std::uint32_t>(message.sender.data()), now, out)) return;
  if (const auto refusal = peer.receive_response(from, message, now, out.datagrams)) drop(*refusal);
  arm(peer);
}

void Device::receive_cookie_reply(Peer& peer, Bytes datagram, Instant now) {
  if (const auto refusal = peer.receive_cookie_reply(read_message<CookieReply>(datagram), now))
    drop(*refusal);
}

bool Device::pass_gate(const Endpoint& from, Bytes message, std::uint32_t sender_index, Instant now,
                       Out& out) {
  if (!cookie_checker_.has_valid_mac1(message)) {
    drop(DropReason::kMac1Invalid);
    return false;
  }
  if (!load_.count(now)) return true;
  local_.counters.handshakes_under_load.add();
  if (!cookie_checker_.has_valid_mac2(message, from, now)) {
    drop(DropReason::kMac2Required);
    send_cookie_reply(from, message, sender_index, now, out);
    return false;
  }
  if (!is_dialed(from) && !rate_limiter_.allow(from.remote.ip, now)) {
    drop(DropReason::kHandshakeRateLimited);
    return false;
  }
  return true;
}

void Device::send_cookie_reply(const Endpoint& to, Bytes message, std::uint32_t sender_index, Instant now,
                               Out& out) {
  if (!cookie_budget_.take(now)) {
    local_.counters.cookie_replies_suppressed.add();
    return;
  }
  const CookieReply reply = cookie_checker_.create_reply(message, sender_index, to, now);
  const Bytes bytes = bytes_of(reply);
  std::copy(bytes.begin(), bytes.end(), out.datagrams.append(to, bytes.size()).begin());
  local_.counters.cookie_replies_sent.add();
  local_.counters.sent_datagrams.add();
  local_.counters.sent_datagram_bytes.add(bytes.size());
}

}  // namespace wgr::wireguard
