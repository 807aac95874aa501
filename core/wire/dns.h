// DNS messages (RFC 1035 4.1, EDNS RFC 6891) as far as a forwarder reads them: the header, the
// question, how long a reply may be, and which addresses an answer holds. Other records are passed on unread.
//
//   |id | flags | question count | answer count | authority count | additional count|
//   |question: name, type, class|
//   |records ...
//
// Names are bounded: labels of at most 63 bytes, 255 in all, compression pointers only backward and at
// most kDnsMaxJumps of them.
//
// Thread: values, and views as free as the memory they point into.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/result.h"

namespace wgr::wire {

inline constexpr std::uint16_t kDnsPort = 53;
inline constexpr std::size_t kDnsHeaderSize = 12;
inline constexpr std::size_t kDnsMaxName = 255;  // RFC 1035 2.3.4
inline constexpr std::size_t kDnsMaxLabel = 63;  // likewise
inline constexpr std::size_t kDnsMaxJumps = 128;
inline constexpr std::size_t kDnsMaxRecords = 64;     // walked in search of the OPT record of a query
inline constexpr std::size_t kDnsMaxAnswers = 1024;   // of a reply, read
inline constexpr std::size_t kDnsMaxMessage = 65535;  // over TCP
inline constexpr std::size_t kDnsClassicUdpSize = 512;
inline constexpr std::size_t kDnsSafeUdpSize = 1232;  // never fragmented on any path

enum class DnsRcode : std::uint8_t { kNoError = 0, kFormErr = 1, kServFail = 2, kNxDomain = 3, kRefused = 5 };

enum class DnsType : std::uint16_t { kA = 1, kPtr = 12, kAaaa = 28, kOpt = 41, kAny = 255 };

inline constexpr std::uint16_t kDnsClassIn = 1;

// A name without compression: length byte, label, ..., zero.
class DnsName {
 public:
  DnsName() noexcept = default;  // the root

  struct Read;
  // The name at `offset` of `message`.
  static Result<Read> read(Bytes message, std::size_t offset) noexcept;

  Bytes wire() const noexcept { return Bytes{bytes_}.first(size_); }
  // The name that to_string() would spell without escapes, a dot at the end or not; nullopt for what is no
  // name.
  static std::optional<DnsName> parse(std::string_view text) noexcept;
  // "www.example.com"; the root is ".". Bytes that are no letters, digits, '-' or '_' become \DDD.
  std::string to_string() const;

  // RFC 4343: ASCII letters only.
  bool equals_ignoring_case(const DnsName& other) const noexcept;
  // "www.example.com" is within "example.com", and "example.com" too.
  bool is_within(const DnsName& domain) const noexcept;
  friend bool operator==(const DnsName& a, const DnsName& b) noexcept;

 private:
  bool append_label(Bytes label) noexcept;

  std::array<std::uint8_t, kDnsMaxName> bytes_{};
  std::size_t size_ = 1;
};

struct DnsName::Read {
  DnsName name;
  std::size_t end = 0;  // offset of what follows the name in the message
};

struct DnsQuestion {
  DnsName name;
  DnsType type = DnsType::kA;
  std::uint16_t klass = 1;  // IN

  friend bool operator==(const DnsQuestion&, const DnsQuestion&) noexcept = default;
};

class DnsView {
 public:
  // Only the header is checked here, so that a reply can be made to whatever else is wrong.
  static Result<DnsView> parse(Bytes message) noexcept;

  std::uint16_t id() const noexcept { return load_be<std::uint16_t>(message_.data()); }
  bool is_response() const noexcept { return (message_.data()[2] & 0x80) != 0; }
  std::uint8_t opcode() const noexcept { return message_.data()[2] >> 3 & 0x0f; }
  bool is_truncated() const noexcept { return (message_.data()[2] & 0x02) != 0; }
  bool recursion_desired() const noexcept { return (message_.data()[2] & 0x01) != 0; }
  DnsRcode rcode() const noexcept { return static_cast<DnsRcode>(message_.data()[3] & 0x0f); }
  std::uint16_t question_count() const noexcept { return load_be<std::uint16_t>(message_.data() + 4); }
  std::uint16_t answer_count() const noexcept { return load_be<std::uint16_t>(message_.data() + 6); }
  std::uint16_t authority_count() const noexcept { return load_be<std::uint16_t>(message_.data() + 8); }
  std::uint16_t additional_count() const noexcept { return load_be<std::uint16_t>(message_.data() + 10); }
  Bytes message() const noexcept { return message_; }

  // The one question. kDnsMalformed unless there is exactly one that can be read.
  Result<DnsQuestion> question() const noexcept;
  // Calls visit(address) for each A and AAAA record of the answers. False: the answers cannot be read to
  // their end, or are more than kDnsMaxAnswers.
  template <typename Visit>
  bool visit_addresses(Visit visit) const {
    if (answer_count() == 0) return true;
    std::optional<std::size_t> at = answers_offset();
    if (!at || answer_count() > kDnsMaxAnswers) return false;
    for (std::size_t i = 0; i < answer_count(); ++i) {
      const std::optional<AnswerRecord> record = record_at(*at);
      if (!record) return false;
      if (record->address) visit(*record->address);
      at = record->end;
    }
    return true;
  }

  // Whether this is a reply to `query`: id, question and direction.
  bool answers(const DnsView& query) const noexcept;

  bool has_edns() const noexcept { return edns_udp_size() != 0; }
  // The longest reply over UDP that the sender of this query takes: kDnsClassicUdpSize, or what its OPT
  // record says if that is more.
  std::size_t udp_reply_limit() const noexcept;

 private:
  struct AnswerRecord {
    std::optional<IpAddress> address;
    std::size_t end = 0;
  };

  explicit DnsView(Bytes message) noexcept : message_(message) {}
  std::optional<std::size_t> answers_offset() const noexcept;  // nullopt unless one question can be read
  std::optional<AnswerRecord> record_at(std::size_t offset) const noexcept;
  std::size_t edns_udp_size() const noexcept;  // 0: no OPT record

  Bytes message_;
};

// A question of the Internet class, recursion desired.
std::vector<std::uint8_t> write_dns_query(std::uint16_t id, const DnsName& name, DnsType type);

enum class DnsTruncation : std::uint8_t { kComplete, kTruncated };

// What write_dns_reply() needs at most.
inline constexpr std::size_t kDnsMaxShortReply = kDnsHeaderSize + kDnsMaxName + 4 + 11;

// A reply without records: an error, or kNoError with kTruncated, which sends the asker to TCP. Repeats the
// question if the query has one, and EDNS if the query speaks it. Returns the reply's length.
// REQUIRES: into.size() >= kDnsMaxShortReply.
std::size_t write_dns_reply(MutableBytes into, const DnsView& query, DnsRcode rcode,
                            DnsTruncation truncation = DnsTruncation::kComplete) noexcept;

// A record about the name that was asked for.
struct DnsRecord {
  DnsType type = DnsType::kA;
  Bytes data;
};

// An authoritative reply of at most `limit` bytes: with the records in their order, and truncated if not all
// of them fit. REQUIRES: the query has a question; limit >= kDnsMaxShortReply.
std::vector<std::uint8_t> write_dns_answer(const DnsView& query, DnsRcode rcode,
                                           std::span<const DnsRecord> records, std::uint32_t ttl_seconds,
                                           std::size_t limit);

}  // namespace wgr::wire
