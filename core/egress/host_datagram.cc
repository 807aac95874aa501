#include "core/egress/host_datagram.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/egress/error_queue.h"
#include "core/egress/received_message.h"
#include "core/io/sockaddr.h"

namespace wgr::egress {
namespace {

constexpr std::size_t kMaxRunDatagrams = 64;  // UDP_MAX_SEGMENTS of older kernels
constexpr std::size_t kMaxRunBytes = 65507;
// Fit every path the kernel knows of, headers included (552 bytes of IPv4, 1280 of IPv6).
constexpr std::size_t kSafeSegmentV4 = 500;
constexpr std::size_t kSafeSegmentV6 = 1200;
// Reports of earlier datagrams that may stand in the way of one call.
constexpr int kMaxPendingErrors = 16;
constexpr std::uint8_t kDefaultTtl = 64;

bool is_alike(const DatagramOut& a, const DatagramOut& b) {
  return a.to == b.to && a.ttl == b.ttl && a.tos == b.tos && a.dont_fragment == b.dont_fragment &&
         a.from == b.from;
}

template <typename Address>  // in_addr, in6_addr
IpAddress address_of(const Address& address) {
  std::array<std::uint8_t, sizeof(Address)> bytes;
  std::memcpy(bytes.data(), &address, sizeof address);
  return IpAddress::from_bytes(bytes);
}

void add_local_address(io::ControlBuffer<5>& control, const IpAddress& local) {
  if (local.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, local.bytes().data(), sizeof info.ipi_spec_dst);
    control.add(IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, local.bytes().data(), sizeof info.ipi6_addr);
    control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace

DatagramScratch::DatagramScratch()
    : receive_(std::make_unique_for_overwrite<std::uint8_t[]>(kReceiveSize)),
      errors_(std::make_unique_for_overwrite<std::uint8_t[]>(kMaxErrorReports * kErrorPayload)),
      outgoing_(std::make_unique<Outgoing>()) {}

MutableBytes DatagramScratch::error_room() noexcept {
  return {errors_.get(), kMaxErrorReports * kErrorPayload};
}

HostDatagram::HostDatagram(io::Descriptor descriptor, Watcher::Watch watch, Family family,
                           DatagramScratch& scratch, HostSocketCounters& counters)
    : descriptor_(std::move(descriptor)),
      watch_(std::move(watch)),
      family_(family),
      scratch_(scratch),
      counters_(counters) {}

IoResult HostDatagram::send(std::span<const DatagramOut> datagrams) {
  DatagramScratch::Outgoing& outgoing = scratch_.outgoing();
  std::size_t sent = 0;
  int pending_errors = 0;
  while (sent < datagrams.size()) {
    set_dont_fragment(datagrams[sent].dont_fragment);
    plan(datagrams.subspan(sent));
    counters_.udp_send_calls.add();
    const int count = sendmmsg(descriptor_.get(), outgoing.messages.data(),
                               static_cast<unsigned>(outgoing.count), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        sent += outgoing.datagrams[i];
        counters_.udp_sent_datagrams.add(outgoing.datagrams[i]);
        counters_.udp_sent_bytes.add(outgoing.messages[i].msg_len);
      }
      pending_errors = 0;
      continue;
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) return {.bytes = sent, .error = EAGAIN, .is_end = false};
    const bool is_run = outgoing.datagrams[0] > 1;
    if (is_run && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
      segmentation_refused(error, datagrams[sent].payload.size());
      continue;
    }
    // It may be what became of an earlier datagram, told once: the second try tells the truth.
    watch_.note_error();
    if (++pending_errors > 1) return {.bytes = sent, .error = error, .is_end = false};
  }
  return {.bytes = sent, .error = 0, .is_end = false};
}

// How many from the front one message can carry: all of one size, only the last shorter.
std::size_t HostDatagram::run_length(std::span<const DatagramOut> datagrams) const {
  const DatagramOut& first = datagrams.front();
  const std::size_t segment = first.payload.size();
  if (segment == 0 || segment > max_segment_) return 1;
  std::size_t bytes = segment;
  std::size_t count = 1;
  const std::size_t limit = std::min(datagrams.size(), kMaxRunDatagrams);
  while (count < limit) {
    const DatagramOut& next = datagrams[count];
    const std::size_t size = next.payload.size();
    if (size == 0 || size > segment || bytes + size > kMaxRunBytes || !is_alike(first, next)) break;
    bytes += size;
    ++count;
    if (size < segment) break;
  }
  return count;
}

// Lays out one sendmmsg; it ends where the fragmentation mode of the socket must change.
void HostDatagram::plan(std::span<const DatagramOut> datagrams) {
  DatagramScratch::Outgoing& outgoing = scratch_.outgoing();
  outgoing.count = 0;
  std::size_t vectors = 0;
  while (!datagrams.empty() && outgoing.count < DatagramScratch::kMaxMessages &&
         datagrams.front().dont_fragment == dont_fragment_) {
    const std::size_t count = run_length(datagrams);
    if (vectors + count > DatagramScratch::kMaxVectors) break;
    add_message(datagrams.first(count), vectors);
    datagrams = datagrams.subspan(count);
  }
}

void HostDatagram::add_message(std::span<const DatagramOut> run, std::size_t& vectors) {
  DatagramScratch::Outgoing& outgoing = scratch_.outgoing();
  const std::size_t index = outgoing.count++;
  const DatagramOut& first = run.front();
  outgoing.datagrams[index] = run.size();

  msghdr& message = outgoing.messages[index].msg_hdr;
  message = {};
  message.msg_name = &outgoing.names[index];
  message.msg_namelen = io::to_sockaddr(first.to, outgoing.names[index]);
  message.msg_iov = &outgoing.vectors[vectors];
  message.msg_iovlen = run.size();
  for (const DatagramOut& datagram : run) {
    outgoing.vectors[vectors++] = {const_cast<std::uint8_t*>(datagram.payload.data()),
                                   datagram.payload.size()};
  }

  auto& control = outgoing.controls[index];
  control.clear();
  const bool is_v4 = family_ == Family::kV4;
  if (run.size() > 1) control.add(IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(first.payload.size()));
  if (first.ttl != kDefaultTtl) {
    control.add(is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TTL : IPV6_HOPLIMIT, int{first.ttl});
  }
  if (first.tos != 0) {
    control.add(is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TOS : IPV6_TCLASS, int{first.tos});
  }
  if (!first.from.is_unspecified()) add_local_address(control, first.from);
  control.attach_to(message);
}

void HostDatagram::set_dont_fragment(bool dont_fragment) {
  if (dont_fragment == dont_fragment_) return;
  dont_fragment_ = dont_fragment;
  const bool is_v4 = family_ == Family::kV4;
  // Without: no DF bit, and the host fragments what its own link cannot carry.
  const int without = is_v4 ? IP_PMTUDISC_DONT : IPV6_PMTUDISC_WANT;
  const int mode = dont_fragment ? (is_v4 ? IP_PMTUDISC_DO : IPV6_PMTUDISC_DO) : without;
  setsockopt(descriptor_.get(), is_v4 ? IPPROTO_IP : IPPROTO_IPV6,
             is_v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &mode, sizeof mode);
}

// EIO means that this kernel or device cannot; EMSGSIZE, before Linux 6.14 EINVAL, that a segment is larger
// than the path: then smaller ones may still go.
void HostDatagram::segmentation_refused(int error, std::size_t segment) {
  counters_.udp_segmentation_refused.add();
  const std::size_t safe = family_ == Family::kV4 ? kSafeSegmentV4 : kSafeSegmentV6;
  const bool is_too_large = error == EMSGSIZE || (error == EINVAL && segment > safe);
  max_segment_ = is_too_large ? segment - 1 : 0;
}

IoResult HostDatagram::receive(std::vector<DatagramIn>& into, std::size_t limit) {
  const MutableBytes room = scratch_.receive_room();
  std::size_t used = 0;
  std::size_t count = 0;
  int pending_errors = 0;
  while (count < limit && room.size() - used >= DatagramScratch::kMaxMessage) {
    ReceivedMessage<128> message;
    counters_.udp_receive_calls.add();
    const ssize_t size =
        message.receive(descriptor_.get(), room.subspan(used, DatagramScratch::kMaxMessage), 0);
    if (size >= 0) {
      const auto bytes = static_cast<std::size_t>(size);
      count += append(message.header(), room.subspan(used, bytes), into);
      used += bytes;
      continue;
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      watch_.found_no_more_to_read();
      return {.bytes = count, .error = count == 0 ? EAGAIN : 0, .is_end = false};
    }
    watch_.note_error();  // what became of an earlier datagram, told once; receive_errors has it all
    if (++pending_errors > kMaxPendingErrors) return {.bytes = count, .error = error, .is_end = false};
  }
  return {.bytes = count, .error = 0, .is_end = false};
}

// One message is one datagram, or with UDP_GRO several of one size, the last maybe shorter.
std::size_t HostDatagram::append(const msghdr& message, MutableBytes payload, std::vector<DatagramIn>& into) {
  sockaddr_storage name{};
  std::memcpy(&name, message.msg_name, std::min<std::size_t>(message.msg_namelen, sizeof name));
  const auto from = io::from_sockaddr(name, message.msg_namelen);
  // Without the control message of GRO nobody can say where one datagram ends.
  if (!from || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    counters_.invalid_messages.add();
    return 0;
  }
  DatagramIn datagram{.from = *from, .payload = payload, .tos = 0, .local = {}};
  std::size_t segment = payload.size();
  io::for_each_control(message, [&](int level, int type, Bytes data) {
    if (level == IPPROTO_UDP && type == UDP_GRO) {
      const int size = io::read_value<int>(data).value_or(0);
      if (size > 0) segment = std::min(segment, static_cast<std::size_t>(size));
    } else if (level == IPPROTO_IP && type == IP_TOS) {
      datagram.tos = io::read_value<std::uint8_t>(data).value_or(0);
    } else if (level == IPPROTO_IPV6 && type == IPV6_TCLASS) {
      datagram.tos = static_cast<std::uint8_t>(io::read_value<int>(data).value_or(0));
    } else if (level == IPPROTO_IP && type == IP_PKTINFO) {
      datagram.local = address_of(io::read_value<in_pktinfo>(data).value_or(in_pktinfo{}).ipi_spec_dst);
    } else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
      datagram.local = address_of(io::read_value<in6_pktinfo>(data).value_or(in6_pktinfo{}).ipi6_addr);
    }
  });
  counters_.udp_received_bytes.add(payload.size());
  std::size_t count = 0;
  do {  // an empty datagram is one too
    datagram.payload = payload.first(std::min(segment, payload.size()));
    into.push_back(datagram);
    payload = payload.subspan(datagram.payload.size());
    ++count;
  } while (!payload.empty());
  counters_.udp_received_datagrams.add(count);
  return count;
}

void HostDatagram::receive_errors(std::vector<SocketError>& into) {
  if (!watch_.take_error()) return;
  const std::size_t before = into.size();
  const bool may_be_more = read_error_queue(descriptor_.get(), scratch_.error_room(), into);
  counters_.error_reports.add(into.size() - before);
  if (may_be_more) watch_.note_error();
}

SocketAddress HostDatagram::local_address() const {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (getsockname(descriptor_.get(), reinterpret_cast<sockaddr*>(&name), &length) != 0) return {};
  return io::from_sockaddr(name, length).value_or(SocketAddress{});
}

}  // namespace wgr::egress
