#include "core/io/udp_socket.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <system_error>

#include "core/io/sockaddr.h"

namespace wgr::io {
namespace {

// Fit every path the kernel knows of, headers included: the least of IPv4 is its net.ipv4.route.min_pmtu,
// 552 bytes, and anyone may ask for it by ICMP; that of IPv6 is 1280 (RFC 8200 5).
constexpr std::size_t kSafeSegmentV4 = 500;
constexpr std::size_t kSafeSegmentV6 = 1200;
constexpr Duration kPlainPeriod = std::chrono::seconds{60};
constexpr int kSocketBuffer = 4 * 1024 * 1024;  // the kernel cuts it to its own limit

[[noreturn]] void throw_errno(const std::string& what, const SocketAddress& address) {
  throw std::system_error(errno, std::generic_category(), what + " " + address.to_string());
}

bool set_option(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

// Control messages of one outgoing datagram or run: where it leaves from, and its segment size.
class ControlWriter {
 public:
  explicit ControlWriter(msghdr& header) : header_(header) {
    header_.msg_control = buffer_;
    header_.msg_controllen = sizeof buffer_;
  }

  template <typename Value>
  void add(int level, int type, const Value& value) {
    auto* const message = reinterpret_cast<cmsghdr*>(buffer_ + used_);
    message->cmsg_level = level;
    message->cmsg_type = type;
    message->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(message), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }

  void add_source(const Endpoint& to) {
    if (to.local.is_unspecified()) return;
    if (to.local.is_v4()) {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, to.local.bytes().data(), 4);
      add(IPPROTO_IP, IP_PKTINFO, info);
    } else {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, to.local.bytes().data(), 16);
      if (to.local.is_link_local()) info.ipi6_ifindex = to.interface_index;
      add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }

  void finish() {
    header_.msg_controllen = used_;
    if (used_ == 0) header_.msg_control = nullptr;
  }

 private:
  msghdr& header_;
  alignas(
      cmsghdr) std::uint8_t buffer_[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint16_t))] = {};
  std::size_t used_ = 0;
};

// EIO: this device or route cannot. EMSGSIZE, before Linux 6.14 EINVAL: the segment is larger than the path.
bool is_segmentation_refused(int error) { return error == EIO || error == EINVAL || error == EMSGSIZE; }
// The cached source address is not ours any more.
bool is_source_refused(int error) {
  return error == EINVAL || error == ENETUNREACH || error == EADDRNOTAVAIL;
}

}  // namespace

UdpSocket::UdpSocket(const SocketAddress& bind_to, bool share_port) : family_(bind_to.ip.family()) {
  const bool is_v6 = family_ == Family::kV6;
  descriptor_ = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) throw_errno("cannot open a UDP socket for", bind_to);
  try {
    if (is_v6) set_option(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (share_port && !set_option(descriptor_, SOL_SOCKET, SO_REUSEPORT, 1)) {
      throw_errno("cannot share the UDP port", bind_to);
    }
    set_option(descriptor_, SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
    set_option(descriptor_, SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
    set_option(descriptor_, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
    has_gro_ = set_option(descriptor_, IPPROTO_UDP, UDP_GRO, 1);
    has_gso_ = set_option(descriptor_, IPPROTO_UDP, UDP_SEGMENT, 0);
    sockaddr_storage name{};
    const socklen_t length = to_sockaddr(bind_to, name);
    if (bind(descriptor_, reinterpret_cast<const sockaddr*>(&name), length) != 0) {
      throw_errno("cannot listen on UDP", bind_to);
    }
    void* const slab = mmap(nullptr, kMaxMessages * kStride, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slab == MAP_FAILED) throw std::bad_alloc();
    slab_ = static_cast<std::uint8_t*>(slab);
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

UdpSocket::~UdpSocket() {
  munmap(slab_, kMaxMessages * kStride);
  close(descriptor_);
}

SocketAddress UdpSocket::local_address() const {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&name), &length) != 0) return {};
  return from_sockaddr(name, length).value_or(SocketAddress{});
}

void UdpSocket::disable_offloads() {
  has_gso_ = false;
  if (has_gro_) set_option(descriptor_, IPPROTO_UDP, UDP_GRO, 0);
  has_gro_ = false;
}

std::span<const UdpSocket::Received> UdpSocket::receive() {
  prepare_messages();
  const int count =
      recvmmsg(descriptor_, messages_.data(), static_cast<unsigned>(wanted_messages_), MSG_DONTWAIT, nullptr);
  counters_.receive_calls.add();
  may_have_more_ = count == static_cast<int>(wanted_messages_);
  if (count <= 0) return {};

  std::size_t kept = 0;
  std::size_t bytes = 0;
  std::uint64_t datagrams = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const MutableBytes buffer{slab_ + i * kStride, messages_[i].msg_len};
    bytes += buffer.size();
    if (!read_message(messages_[i], buffer, received_[kept])) continue;
    datagrams += (buffer.size() + received_[kept].segment_size - 1) / received_[kept].segment_size;
    ++kept;
  }
  counters_.received_datagrams.add(datagrams);
  counters_.received_batch.record(datagrams);
  counters_.received_bytes.add(bytes);
  const std::size_t average = std::max<std::size_t>(bytes / static_cast<std::size_t>(count), 1);
  wanted_messages_ = std::clamp<std::size_t>(kTurnBytes / average, 4, kMaxMessages);
  return {received_.data(), kept};
}

void UdpSocket::prepare_messages() {
  for (std::size_t i = 0; i < wanted_messages_; ++i) {
    vectors_[i] = {slab_ + i * kStride, 65535};
    msghdr& header = messages_[i].msg_hdr;
    header.msg_name = &names_[i];
    header.msg_namelen = sizeof names_[i];
    header.msg_iov = &vectors_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].data();
    header.msg_controllen = controls_[i].size();
    header.msg_flags = 0;
  }
}

bool UdpSocket::read_message(const mmsghdr& message, MutableBytes buffer, Received& received) {
  msghdr header = message.msg_hdr;
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    counters_.truncated.add();
    return false;
  }
  sockaddr_storage name{};
  std::memcpy(&name, header.msg_name, std::min<std::size_t>(header.msg_namelen, sizeof name));
  const auto from = from_sockaddr(name, header.msg_namelen);
  if (!from || from->port == 0 || buffer.empty()) return false;  // nobody can be answered at port 0

  received.from = Endpoint::udp(*from);
  received.bytes = buffer;
  received.segment_size = buffer.size();
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    const std::size_t size = control->cmsg_len - CMSG_LEN(0);
    if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO && size >= sizeof(int)) {
      int segment_size = 0;
      std::memcpy(&segment_size, CMSG_DATA(control), sizeof segment_size);
      if (segment_size > 0)
        received.segment_size = std::min(static_cast<std::size_t>(segment_size), buffer.size());
    } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO &&
               size >= sizeof(in_pktinfo)) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(control), sizeof info);
      std::uint8_t address[4];
      std::memcpy(address, &info.ipi_spec_dst, sizeof address);
      received.from.local = IpAddress::from_bytes(address);
      received.from.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO &&
               size >= sizeof(in6_pktinfo)) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(control), sizeof info);
      std::uint8_t address[16];
      std::memcpy(address, &info.ipi6_addr, sizeof address);
      received.from.local = IpAddress::from_bytes(address);
      received.from.interface_index = info.ipi6_ifindex;
    }
  }
  return true;
}

void UdpSocket::send(std::span<const DatagramBatch::Run> runs, Instant now) {
  for (const DatagramBatch::Run& run : runs) {
    if (run.to.kind == Endpoint::Kind::kUdp && run.to.remote.ip.family() == family_) send_run(run, now);
  }
}

void UdpSocket::send_run(const DatagramBatch::Run& run, Instant now) {
  counters_.sent_batch.record(run.count);
  int refusal = 0;
  if (run.count > 1 && may_segment(now)) {
    refusal = send_segmented(run, /*with_source=*/true);
    if (is_source_refused(refusal) && !run.to.local.is_unspecified()) {
      refusal = send_segmented(run, /*with_source=*/false);
    }
    if (refusal == 0) return;
    if (!is_segmentation_refused(refusal)) {
      counters_.send_errors.add(run.count);
      return;
    }
  }
  std::size_t sent = 0;
  const int error = send_each(run, /*with_source=*/true, sent);
  if (sent == 0 && is_source_refused(error)) send_each(run, /*with_source=*/false, sent);
  counters_.send_errors.add(run.count - sent);
  // What does not leave by plain calls either was refused for another reason.
  if (sent > 0 && is_about_segmentation(refusal, run.segment_size)) plain_until_ = now + kPlainPeriod;
}

// One peer behind a narrow path must not cost all others their runs.
bool UdpSocket::is_about_segmentation(int refusal, std::size_t segment) const noexcept {
  const std::size_t safe = family_ == Family::kV6 ? kSafeSegmentV6 : kSafeSegmentV4;
  return refusal == EIO || (refusal == EINVAL && segment <= safe);
}

// One sendmsg for the run. Returns 0 or errno.
int UdpSocket::send_segmented(const DatagramBatch::Run& run, bool with_source) {
  sockaddr_storage name{};
  iovec vector{run.bytes.data(), run.bytes.size()};
  msghdr header{};
  header.msg_name = &name;
  header.msg_namelen = to_sockaddr(run.to.remote, name, run.to.interface_index);
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  ControlWriter control{header};
  if (with_source) control.add_source(run.to);
  control.add(IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(run.segment_size));
  control.finish();
  counters_.send_calls.add();
  if (sendmsg(descriptor_, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return errno;
  counters_.sent_datagrams.add(run.count);
  counters_.sent_bytes.add(run.bytes.size());
  return 0;
}

// sendmmsg until all have left or the kernel refuses. Returns 0 or errno; `sent` counts datagrams.
int UdpSocket::send_each(const DatagramBatch::Run& run, bool with_source, std::size_t& sent) {
  sockaddr_storage name{};
  msghdr shared{};
  shared.msg_name = &name;
  shared.msg_namelen = to_sockaddr(run.to.remote, name, run.to.interface_index);
  ControlWriter control{shared};
  if (with_source) control.add_source(run.to);
  control.finish();

  std::array<mmsghdr, DatagramBatch::kMaxRunDatagrams> messages{};
  std::array<iovec, DatagramBatch::kMaxRunDatagrams> vectors{};
  assert(run.count <= messages.size());
  for (std::size_t i = 0; i < run.count; ++i) {
    const std::size_t begin = i * run.segment_size;
    vectors[i] = {run.bytes.data() + begin, std::min(run.segment_size, run.bytes.size() - begin)};
    messages[i].msg_hdr = shared;
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  while (sent < run.count) {
    counters_.send_calls.add();
    const int count = sendmmsg(descriptor_, messages.data() + sent, static_cast<unsigned>(run.count - sent),
                               MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count <= 0) return errno;
    for (int i = 0; i < count; ++i)
      counters_.sent_bytes.add(vectors[sent + static_cast<std::size_t>(i)].iov_len);
    counters_.sent_datagrams.add(static_cast<std::uint64_t>(count));
    sent += static_cast<std::size_t>(count);
  }
  return 0;
}

void steer_by_index(const UdpSocket& socket) {
  // Offsets into the UDP payload. A message too short for the load returns 0 and is dropped later; an
  // answer that names no socket makes the kernel fall back to its flow hash.
  constexpr std::uint32_t kAnySocket = 0xffffffff;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),         // message type
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 3, 0),  // transport data
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 2, 0),  // cookie reply
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 3, 0),  // response
      BPF_STMT(BPF_RET | BPF_K, kAnySocket),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 4),  // receiver index, low byte
      BPF_STMT(BPF_RET | BPF_A, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  sock_fprog program{std::size(code), code};
  if (setsockopt(socket.descriptor(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) != 0) {
    throw_errno("cannot steer datagrams of", socket.local_address());
  }
}

}  // namespace wgr::io
