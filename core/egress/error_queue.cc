#include "core/egress/error_queue.h"

#include <linux/errqueue.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/egress/received_message.h"
#include "core/io/control_messages.h"
#include "core/io/sockaddr.h"

namespace wgr::egress {
namespace {

bool is_error_report(int level, int type) {
  return (level == IPPROTO_IP && type == IP_RECVERR) || (level == IPPROTO_IPV6 && type == IPV6_RECVERR);
}

// Who complained, behind the fixed part (SO_EE_OFFENDER); AF_UNSPEC if the host itself did.
IpAddress read_offender(Bytes report, Family family) {
  sockaddr_storage name{};
  const Bytes written = report.subspan(sizeof(sock_extended_err));
  const std::size_t length = std::min(written.size(), sizeof name);
  std::memcpy(&name, written.data(), length);
  if (const auto offender = io::from_sockaddr(name, static_cast<socklen_t>(length))) return offender->ip;
  constexpr std::array<std::uint8_t, 16> kUnspecified{};
  return IpAddress::from_bytes(Bytes{kUnspecified}.first(family == Family::kV4 ? 4 : 16));
}

std::optional<SocketError> read_report(Bytes report, const SocketAddress& destination) {
  const auto fixed = io::read_value<sock_extended_err>(report);
  if (!fixed) return std::nullopt;
  const bool is_icmp = fixed->ee_origin == SO_EE_ORIGIN_ICMP || fixed->ee_origin == SO_EE_ORIGIN_ICMP6;
  const bool is_local = fixed->ee_origin == SO_EE_ORIGIN_LOCAL;
  if (!is_icmp && !is_local) return std::nullopt;

  SocketError error;
  error.destination = destination;
  error.offender = {read_offender(report, destination.ip.family()), 0};
  error.error = static_cast<int>(fixed->ee_errno);
  error.is_local = is_local;
  if (is_icmp) {
    error.icmp_type = fixed->ee_type;
    error.icmp_code = fixed->ee_code;
  }
  if (error.error == EMSGSIZE) error.mtu = fixed->ee_info;
  return error;
}

}  // namespace

std::optional<SocketError> parse_error_report(const msghdr& message, Bytes payload) noexcept {
  if ((message.msg_flags & MSG_CTRUNC) != 0) return std::nullopt;
  sockaddr_storage name{};
  if (message.msg_name == nullptr) return std::nullopt;
  std::memcpy(&name, message.msg_name, std::min<std::size_t>(message.msg_namelen, sizeof name));
  const auto destination = io::from_sockaddr(name, message.msg_namelen);
  if (!destination) return std::nullopt;

  std::optional<SocketError> error;
  io::for_each_control(message, [&](int level, int type, Bytes data) {
    if (!error && is_error_report(level, type)) error = read_report(data, *destination);
  });
  if (error) error->payload = payload;
  return error;
}

bool read_error_queue(int descriptor, MutableBytes scratch, std::vector<SocketError>& into) {
  for (std::size_t i = 0; i < kMaxErrorReports; ++i) {
    const MutableBytes room = scratch.subspan(i * kErrorPayload, kErrorPayload);
    ReceivedMessage<512> message;
    const ssize_t size = message.receive(descriptor, room, MSG_ERRQUEUE);
    if (size < 0) return false;
    const auto error = parse_error_report(message.header(), room.first(static_cast<std::size_t>(size)));
    if (error) into.push_back(*error);
  }
  return true;
}

}  // namespace wgr::egress
