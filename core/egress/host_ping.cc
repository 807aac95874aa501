#include "core/egress/host_ping.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "core/egress/error_queue.h"
#include "core/egress/received_message.h"
#include "core/io/control_messages.h"
#include "core/io/sockaddr.h"
#include "core/wire/checksum.h"
#include "core/wire/icmp.h"

namespace wgr::egress {
namespace {

constexpr std::size_t kChecksumOffset = 2;
constexpr std::size_t kIdentifierOffset = 4;
constexpr int kMaxPendingErrors = 16;
constexpr std::size_t kMinIpv4Header = 20;

bool set_option(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

}  // namespace

HostPing::HostPing(io::Descriptor descriptor, Watcher::Watch watch, Family family,
                   std::optional<std::uint16_t> raw_identifier, DatagramScratch& scratch,
                   HostSocketCounters& counters)
    : descriptor_(std::move(descriptor)),
      watch_(std::move(watch)),
      family_(family),
      raw_identifier_(raw_identifier),
      scratch_(scratch),
      counters_(counters) {}

int HostPing::send(const IpAddress& to, MutableBytes message, std::uint8_t ttl, std::uint8_t tos) {
  if (message.size() < wire::kIcmpHeaderSize || to.family() != family_) return EINVAL;
  set_hop_options(ttl, tos);
  if (raw_identifier_) {
    store_be<std::uint16_t>(message.data() + kIdentifierOffset, *raw_identifier_);
    store_be<std::uint16_t>(message.data() + kChecksumOffset, 0);
    // A raw ICMPv6 socket is summed by the kernel (RFC 3542 3.1).
    if (family_ == Family::kV4) {
      store_be<std::uint16_t>(message.data() + kChecksumOffset, wire::PartialSum::of(message).checksum());
    }
  }
  sockaddr_storage name{};
  const socklen_t length = io::to_sockaddr({to, 0}, name);
  const auto try_send = [&] {
    const ssize_t size =
        sendto(descriptor_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&name), length);
    return size < 0 ? errno : 0;
  };
  const int error = try_send();
  if (error == 0 || error == EAGAIN) return error;
  // It may be what became of an earlier request, told once: the second try tells the truth.
  watch_.note_error();
  return try_send();
}

void HostPing::set_hop_options(std::uint8_t ttl, std::uint8_t tos) {
  const bool is_v4 = family_ == Family::kV4;
  const int level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
  if (ttl != ttl_ && set_option(descriptor_.get(), level, is_v4 ? IP_TTL : IPV6_UNICAST_HOPS, ttl))
    ttl_ = ttl;
  if (tos != tos_ && set_option(descriptor_.get(), level, is_v4 ? IP_TOS : IPV6_TCLASS, tos)) tos_ = tos;
}

IoResult HostPing::receive(std::vector<DatagramIn>& into, std::size_t limit) {
  const MutableBytes room = scratch_.receive_room();
  std::size_t used = 0;
  std::size_t count = 0;
  int pending_errors = 0;
  // Replies to others count as turns too: a busy host must not keep a raw socket here for ever.
  for (std::size_t turn = 0; turn < limit && room.size() - used >= DatagramScratch::kMaxMessage; ++turn) {
    ReceivedMessage<128> message;
    const ssize_t size =
        message.receive(descriptor_.get(), room.subspan(used, DatagramScratch::kMaxMessage), 0);
    if (size < 0) {
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK) {
        watch_.found_no_more_to_read();
        return {.bytes = count, .error = count == 0 ? EAGAIN : 0, .is_end = false};
      }
      watch_.note_error();
      if (++pending_errors > kMaxPendingErrors) return {.bytes = count, .error = error, .is_end = false};
      continue;
    }
    const auto from = io::from_sockaddr(message.name(), message.header().msg_namelen);
    if (!from || (message.header().msg_flags & MSG_TRUNC) != 0) {
      counters_.invalid_messages.add();
      continue;
    }
    const auto reply = accept(room.subspan(used, static_cast<std::size_t>(size)));
    if (!reply) continue;
    DatagramIn datagram{.from = {from->ip, 0}, .payload = *reply, .tos = 0};
    io::for_each_control(message.header(), [&](int level, int type, Bytes data) {
      if (level == IPPROTO_IP && type == IP_TOS)
        datagram.tos = io::read_value<std::uint8_t>(data).value_or(0);
      if (level == IPPROTO_IPV6 && type == IPV6_TCLASS) {
        datagram.tos = static_cast<std::uint8_t>(io::read_value<int>(data).value_or(0));
      }
    });
    into.push_back(datagram);
    used += static_cast<std::size_t>(size);
    ++count;
  }
  return {.bytes = count, .error = 0, .is_end = false};
}

// The echo reply in what the socket gave, if it is one and ours.
std::optional<Bytes> HostPing::accept(Bytes message) const {
  if (raw_identifier_ && family_ == Family::kV4) {  // a raw IPv4 socket hands over the IP header
    if (message.size() < kMinIpv4Header) return std::nullopt;
    const std::size_t header = std::size_t{message[0] & 0x0fu} * 4;
    if (header < kMinIpv4Header || header > message.size()) return std::nullopt;
    message = message.subspan(header);
  }
  const std::uint8_t reply = family_ == Family::kV4 ? wire::icmpv4::kEchoReply : wire::icmpv6::kEchoReply;
  if (message.size() < wire::kIcmpHeaderSize || message[0] != reply || !is_ours(message)) return std::nullopt;
  return message;
}

bool HostPing::is_ours(Bytes echo) const {
  if (!raw_identifier_) return true;
  return echo.size() >= wire::kIcmpHeaderSize &&
         load_be<std::uint16_t>(echo.data() + kIdentifierOffset) == *raw_identifier_;
}

void HostPing::receive_errors(std::vector<SocketError>& into) {
  if (!watch_.take_error()) return;
  const std::size_t before = into.size();
  if (read_error_queue(descriptor_.get(), scratch_.error_room(), into)) watch_.note_error();
  const auto is_foreign = [this](const SocketError& error) { return !is_ours(error.payload); };
  into.erase(std::remove_if(into.begin() + static_cast<std::ptrdiff_t>(before), into.end(), is_foreign),
             into.end());
  counters_.error_reports.add(into.size() - before);
}

}  // namespace wgr::egress
