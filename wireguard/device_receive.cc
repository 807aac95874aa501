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
  for (std::size_t begin = 0; begin < datagrams.size(); begin += segment_size) {
    receive_one(from, datagrams.subspan(begin, std::min(segment_size, datagrams.size() - begin)), now, out);
  }
}

void Device::receive_one(const Endpoint& from, MutableBytes bytes, Instant now, Out& out) {
  local_.counters.received_datagrams.add();
  local_.counters.received_datagram_bytes.add(bytes.size());
  const std::optional<MessageType> type = classify(bytes);
  // Nobody can be answered at port 0.
  if (!type || (from.kind == Endpoint::Kind::kUdp && from.remote.port == 0)) {
    drop(DropReason::kDatagramMalformed);
    return;
  }
  if (*type == MessageType::kInitiation) {
    receive_initiation(from, bytes, now, out);
    return;
  }
  const std::uint32_t index = receiver_index(bytes, *type);
  if (worker_of(index) != worker_) {
    out.stray_datagrams.push_back({worker_of(index), from, bytes});
    local_.counters.stray_datagrams.add();
    return;
  }
  const IndexTable::Entry* const entry = local_.indices.find(index);
  if (entry == nullptr) {
    drop(DropReason::kIndexUnknown);
    return;
  }
  if (*type == MessageType::kTransport) {
    receive_transport(*entry, from, bytes, now, out);
  } else if (*type == MessageType::kResponse) {
    receive_response(*entry->peer, from, bytes, now, out);
  } else {
    receive_cookie_reply(*entry->peer, bytes, now);
  }
}

void Device::receive_transport(const IndexTable::Entry& entry, const Endpoint& from, MutableBytes datagram,
                               Instant now, Out& out) {
  Peer& peer = *entry.peer;
  Keypair* const keypair = entry.keypair;
  if (keypair == nullptr) {
    drop(DropReason::kIndexUnknown);
    return;
  }
  const Keypair::Opened opened = keypair->open(datagram, now);
  if (opened.failure != Keypair::Failure::kNone) {
    drop(reason_for(opened.failure));
    return;
  }
  peer.transport_received(*keypair, from, run_, datagram.size(), opened.packet, now, out.datagrams);
  packet_passed(peer);
  if (opened.packet.empty()) {
    local_.counters.keepalives_received.add();
  } else {
    accept_packet(peer, opened.packet, out);
  }
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
  const IpAddress address = IpAddress::from_bytes(source);
  if (address != last_source_) {
    const GuestId* const owner = allowed_ips_->lookup(source);
    last_source_ = address;
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
  if (!rate_limiter_.allow(from.remote.ip, now)) {
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
