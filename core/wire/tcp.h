// TCP segments (RFC 9293 3.1) and their options: a checked view and a writer.
//
//   |source port     |destination port|
//   |sequence number                  |
//   |acknowledgement number           |
//   |offset|   flags |window          |
//   |checksum        |urgent pointer  |
//   |options up to 40 bytes           |
//
// Options are read leniently (RFC 9293 MUST-6, MUST-7): unknown ones are skipped, one of a wrong
// length counts as absent, and reading ends at the first whose length cannot be true. Nothing here
// knows a connection: sequence numbers are plain 32-bit values.
//
// Thread: a view is as free as the memory it points into.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "core/address.h"
#include "core/bytes.h"
#include "core/result.h"
#include "core/wire/checksum.h"

namespace wgr::wire {

inline constexpr std::size_t kTcpHeaderSize = 20;
inline constexpr std::size_t kTcpMaxHeaderSize = 60;
inline constexpr std::size_t kTcpMaxOptionsSize = 40;
// What timestamps alone take, in every segment of a connection that uses them.
inline constexpr std::size_t kTcpTimestampsSize = 12;
inline constexpr std::uint8_t kTcpMaxWindowScale = 14;  // RFC 7323 2.3

// The set of flags of a segment.
struct TcpFlags {
  std::uint8_t bits = 0;

  constexpr bool fin() const noexcept { return (bits & 0x01) != 0; }
  constexpr bool syn() const noexcept { return (bits & 0x02) != 0; }
  constexpr bool rst() const noexcept { return (bits & 0x04) != 0; }
  constexpr bool psh() const noexcept { return (bits & 0x08) != 0; }
  constexpr bool ack() const noexcept { return (bits & 0x10) != 0; }
  constexpr bool urg() const noexcept { return (bits & 0x20) != 0; }
  constexpr bool ece() const noexcept { return (bits & 0x40) != 0; }
  constexpr bool cwr() const noexcept { return (bits & 0x80) != 0; }

  friend constexpr TcpFlags operator|(TcpFlags a, TcpFlags b) noexcept {
    return {static_cast<std::uint8_t>(a.bits | b.bits)};
  }
  constexpr TcpFlags& operator|=(TcpFlags other) noexcept { return *this = *this | other; }
  friend constexpr bool operator==(TcpFlags, TcpFlags) noexcept = default;
};

inline constexpr TcpFlags kTcpFin{0x01};
inline constexpr TcpFlags kTcpSyn{0x02};
inline constexpr TcpFlags kTcpRst{0x04};
inline constexpr TcpFlags kTcpPsh{0x08};
inline constexpr TcpFlags kTcpAck{0x10};
inline constexpr TcpFlags kTcpUrg{0x20};
inline constexpr TcpFlags kTcpEce{0x40};
inline constexpr TcpFlags kTcpCwr{0x80};

// RFC 7323 3.2.
struct Timestamps {
  std::uint32_t value = 0;
  std::uint32_t echo = 0;

  friend constexpr bool operator==(const Timestamps&, const Timestamps&) noexcept = default;
};

// RFC 2018 3: received bytes [begin, end). As read from a segment they are only a claim.
struct SackBlock {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  friend constexpr bool operator==(const SackBlock&, const SackBlock&) noexcept = default;
};

struct TcpOptions {
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;  // read: at most kTcpMaxWindowScale
  bool sack_permitted = false;
  std::optional<Timestamps> timestamps;
  std::uint8_t sack_count = 0;
  std::array<SackBlock, 4> sack{};

  std::span<const SackBlock> sack_blocks() const noexcept { return std::span{sack}.first(sack_count); }
  friend bool operator==(const TcpOptions&, const TcpOptions&) noexcept = default;
};

// How many SACK blocks fit beside the other options.
constexpr std::uint8_t max_sack_blocks(bool with_timestamps) noexcept { return with_timestamps ? 3 : 4; }

class TcpView {
 public:
  // `segment` is the whole payload of the packet: 20 bytes at least, and the data offset within it.
  static Result<TcpView> parse(MutableBytes segment) noexcept;

  std::uint16_t source_port() const noexcept { return load_be<std::uint16_t>(segment_.data()); }
  std::uint16_t destination_port() const noexcept { return load_be<std::uint16_t>(segment_.data() + 2); }
  std::uint32_t sequence() const noexcept { return load_be<std::uint32_t>(segment_.data() + 4); }
  std::uint32_t acknowledgement() const noexcept { return load_be<std::uint32_t>(segment_.data() + 8); }
  TcpFlags flags() const noexcept { return {segment_.data()[13]}; }
  std::uint16_t window() const noexcept { return load_be<std::uint16_t>(segment_.data() + 14); }
  std::uint16_t checksum() const noexcept { return load_be<std::uint16_t>(segment_.data() + 16); }
  std::uint16_t urgent_pointer() const noexcept { return load_be<std::uint16_t>(segment_.data() + 18); }
  std::size_t header_length() const noexcept { return header_length_; }
  MutableBytes payload() const noexcept { return segment_.subspan(header_length_); }
  MutableBytes segment() const noexcept { return segment_; }

  TcpOptions options() const noexcept;
  bool checksum_is_valid(const IpAddress& source, const IpAddress& destination) const noexcept;

 private:
  TcpView(MutableBytes segment, std::size_t header_length) noexcept
      : segment_(segment), header_length_(header_length) {}

  MutableBytes segment_;
  std::size_t header_length_;
};

// The options between the fixed header and the payload; any bytes.
TcpOptions parse_tcp_options(Bytes options) noexcept;

struct TcpHeader {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  TcpFlags flags;
  std::uint16_t window = 0;  // as it stands in the header, scaled already
  TcpOptions options;

  // With options, which are padded to whole words.
  std::size_t size() const noexcept;
};

// Writes header, options and checksum at the front of `segment`; the payload stands behind them already.
// REQUIRES: segment.size() >= header.size(); the options fit into kTcpMaxOptionsSize.
void write_tcp(MutableBytes segment, const TcpHeader& header, const IpAddress& source,
               const IpAddress& destination) noexcept;
// The same with sums that were kept: address_sum() of the flow, and that of the payload.
void write_tcp(MutableBytes segment, const TcpHeader& header, PartialSum addresses,
               PartialSum payload) noexcept;

}  // namespace wgr::wire
