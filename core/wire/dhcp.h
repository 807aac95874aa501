// DHCP over IPv4 (RFC 2131 2, options RFC 2132, long options RFC 3396): a checked view and a writer.
//
//   |op|htype|hlen|hops| xid                   |
//   |secs       |flags |                       |
//   |ciaddr | yiaddr | siaddr | giaddr         |
//   |chaddr, 16 | sname, 64 | file, 128        |
//   |cookie 63 82 53 63 | options: code, length, data ... 255 |
//
// Option 52 makes `file` and `sname` hold options too; an option that occurs more than once is one whose
// data was cut, and is read as one.
//
// Thread: values, and views as free as the memory they point into.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/mac_address.h"
#include "core/result.h"

namespace wgr::wire {

inline constexpr std::uint16_t kDhcpServerPort = 67;
inline constexpr std::uint16_t kDhcpClientPort = 68;
inline constexpr std::size_t kDhcpFixedSize = 240;    // with the cookie
inline constexpr std::size_t kBootpMinimum = 300;     // what old clients insist on (RFC 1542 2.1)
inline constexpr std::size_t kDhcpMaxMessage = 4096;  // read; no client needs more
// The least a client has to take, with IPv4 and UDP headers (RFC 2132 9.10).
inline constexpr std::size_t kDhcpMinimumMaxSize = 576;
inline constexpr std::size_t kDhcpHeadersBefore = 28;

enum class DhcpOp : std::uint8_t { kRequest = 1, kReply = 2 };

enum class DhcpType : std::uint8_t {
  kDiscover = 1,
  kOffer = 2,
  kRequest = 3,
  kDecline = 4,
  kAck = 5,
  kNak = 6,
  kRelease = 7,
  kInform = 8
};

enum class DhcpOption : std::uint8_t {
  kPad = 0,
  kSubnetMask = 1,
  kRouter = 3,
  kNameServers = 6,
  kHostName = 12,
  kDomainName = 15,
  kMtu = 26,
  kBroadcastAddress = 28,
  kRequestedAddress = 50,
  kLeaseTime = 51,
  kOverload = 52,
  kMessageType = 53,
  kServerIdentifier = 54,
  kParameterList = 55,
  kMaxMessageSize = 57,
  kRenewalTime = 58,
  kRebindingTime = 59,
  kClientIdentifier = 61,
  kDomainSearch = 119,     // RFC 3397
  kClasslessRoutes = 121,  // RFC 3442
  kEnd = 255
};

class DhcpView {
 public:
  using Data = std::vector<std::uint8_t>;

  // Checks length, op, hlen, cookie, and that every option lies within its field.
  static Result<DhcpView> parse(Bytes message) noexcept;

  DhcpOp op() const noexcept { return DhcpOp{message_.data()[0]}; }
  std::uint32_t xid() const noexcept { return load_be<std::uint32_t>(message_.data() + 4); }
  std::uint16_t secs() const noexcept { return load_be<std::uint16_t>(message_.data() + 8); }
  // RFC 2131 2: the leftmost bit.
  bool wants_broadcast() const noexcept { return (message_.data()[10] & 0x80) != 0; }
  IpAddress ciaddr() const noexcept { return address_at(12); }
  IpAddress yiaddr() const noexcept { return address_at(16); }
  IpAddress siaddr() const noexcept { return address_at(20); }
  IpAddress giaddr() const noexcept { return address_at(24); }
  Bytes chaddr() const noexcept { return message_.subspan(28, message_.data()[2]); }
  // nullopt: not of an Ethernet.
  std::optional<MacAddress> mac() const noexcept;

  // nullopt: BOOTP, or a type that does not exist.
  std::optional<DhcpType> type() const;
  bool has(DhcpOption option) const;
  // All parts of the option in a row; nullopt if it does not occur.
  std::optional<Data> option(DhcpOption option) const;
  // nullopt also when the option has another length.
  std::optional<IpAddress> address_option(DhcpOption option) const;
  std::optional<std::uint16_t> number_option(DhcpOption option) const;

 private:
  explicit DhcpView(Bytes message) noexcept : message_(message) {}
  IpAddress address_at(std::size_t offset) const noexcept {
    return IpAddress::from_bytes(message_.subspan(offset, 4));
  }
  // Calls visit(code, data) for each option of a field; false when one of them leaves it.
  template <typename Visit>
  static bool walk(Bytes field, Visit visit);
  // In the order of RFC 3396 5: options, file, sname.
  template <typename Visit>
  bool walk_all(Visit visit) const;

  Bytes message_;
};

struct DhcpHeader {
  DhcpOp op = DhcpOp::kReply;
  std::uint32_t xid = 0;
  bool broadcast = false;
  IpAddress ciaddr;
  IpAddress yiaddr;
  IpAddress siaddr;
  IpAddress giaddr;
  MacAddress mac;
};

class DhcpWriter {
 public:
  // `limit`: of the message without IP and UDP headers. REQUIRES: limit >= kBootpMinimum.
  DhcpWriter(const DhcpHeader& header, std::size_t limit);

  // Data of more than 255 bytes is cut (RFC 3396). False: there is no room, and nothing was written.
  bool add(DhcpOption option, Bytes data);
  bool add(DhcpOption option, const IpAddress& address) { return add(option, address.bytes()); }
  bool add_byte(DhcpOption option, std::uint8_t value) { return add(option, Bytes{&value, 1}); }
  template <std::unsigned_integral T>
  bool add_number(DhcpOption option, T value) {
    std::array<std::uint8_t, sizeof(T)> bytes;
    store_be(bytes.data(), value);
    return add(option, Bytes{bytes});
  }

  // The message with its end, as long as BOOTP wants it. Ends the writer.
  std::vector<std::uint8_t> finish();

 private:
  std::vector<std::uint8_t> message_;
  std::size_t limit_;
};

}  // namespace wgr::wire
