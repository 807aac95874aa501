#include "core/wire/dns.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstring>
#include <optional>

namespace wgr::wire {
namespace {

constexpr std::uint8_t kPointer = 0xc0;
constexpr std::size_t kRecordFixedSize = 10;  // type, class, ttl, data length
constexpr std::size_t kQuestionFixedSize = 4;

constexpr std::uint8_t kResponseFlag = 0x80;
constexpr std::uint8_t kOpcodeMask = 0x78;
constexpr std::uint8_t kAuthoritativeFlag = 0x04;
constexpr std::uint8_t kTruncatedFlag = 0x02;
constexpr std::uint16_t kPointerToQuestion = 0xc000 | kDnsHeaderSize;
constexpr std::uint8_t kRecursionDesiredFlag = 0x01;
constexpr std::uint8_t kRecursionAvailableFlag = 0x80;

std::uint8_t to_lower(std::uint8_t byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte - 'A' + 'a') : byte;
}

bool is_plain(std::uint8_t byte) noexcept {
  const std::uint8_t lower = to_lower(byte);
  return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

// The end of the name at `offset` without reading through its pointer.
std::optional<std::size_t> skip_name(Bytes message, std::size_t offset) noexcept {
  for (std::size_t steps = 0; steps < kDnsMaxName && offset < message.size(); ++steps) {
    const std::uint8_t length = message[offset];
    if ((length & kPointer) == kPointer) return offset + 2;
    if (length > kDnsMaxLabel) return std::nullopt;
    offset += 1 + std::size_t{length};
    if (length == 0) return offset;
  }
  return std::nullopt;
}

}  // namespace

Result<DnsName::Read> DnsName::read(Bytes message, std::size_t offset) noexcept {
  Read read;
  std::size_t jumps = 0;
  std::size_t run = offset;  // where the labels being read began: a pointer must lead before it
  for (std::size_t at = offset;;) {
    if (at >= message.size()) return DropReason::kDnsMalformed;
    const std::uint8_t length = message[at];
    if ((length & kPointer) == kPointer) {
      if (message.size() - at < 2 || ++jumps > kDnsMaxJumps) return DropReason::kDnsMalformed;
      const std::size_t target = load_be<std::uint16_t>(message.data() + at) & 0x3fffu;
      if (target >= run || target < kDnsHeaderSize) return DropReason::kDnsMalformed;
      if (read.end == 0) read.end = at + 2;
      run = at = target;
      continue;
    }
    if (length > kDnsMaxLabel || message.size() - at < 1 + std::size_t{length})
      return DropReason::kDnsMalformed;
    if (length == 0) {
      if (read.end == 0) read.end = at + 1;
      return read;
    }
    if (!read.name.append_label(message.subspan(at + 1, length))) return DropReason::kDnsMalformed;
    at += 1 + std::size_t{length};
  }
}

bool DnsName::append_label(Bytes label) noexcept {
  if (size_ + 1 + label.size() > kDnsMaxName) return false;
  bytes_[size_ - 1] = static_cast<std::uint8_t>(label.size());
  std::copy(label.begin(), label.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += label.size() + 1;
  bytes_[size_ - 1] = 0;
  return true;
}

std::optional<DnsName> DnsName::parse(std::string_view text) noexcept {
  DnsName name;
  if (text.ends_with('.')) text.remove_suffix(1);
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    const bool is_last = label.size() == text.size();
    text.remove_prefix(is_last ? label.size() : label.size() + 1);
    if (label.empty() || label.size() > kDnsMaxLabel || (!is_last && text.empty())) return std::nullopt;
    if (!name.append_label(bytes_of(label))) {
      return std::nullopt;
    }
  }
  return name;
}

std::string DnsName::to_string() const {
  if (size_ == 1) return ".";
  std::string text;
  for (std::size_t i = 0; bytes_[i] != 0; i += 1 + std::size_t{bytes_[i]}) {
    if (i != 0) text += '.';
    for (const std::uint8_t byte : Bytes{bytes_}.subspan(i + 1, bytes_[i])) {
      if (is_plain(byte)) {
        text += static_cast<char>(byte);
        continue;
      }
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\%03u", static_cast<unsigned>(byte));
      text += escape;
    }
  }
  return text;
}

bool DnsName::equals_ignoring_case(const DnsName& other) const noexcept {
  // Length bytes are below 'A', so folding all bytes folds letters only.
  return std::ranges::equal(wire(), other.wire(), {}, to_lower, to_lower);
}

bool DnsName::is_within(const DnsName& domain) const noexcept {
  const Bytes end = domain.wire();
  Bytes rest = wire();
  while (rest.size() > end.size()) rest = rest.subspan(std::size_t{1} + rest.front());  // a label
  return std::ranges::equal(rest, end, {}, to_lower, to_lower);
}

bool operator==(const DnsName& a, const DnsName& b) noexcept {
  return std::ranges::equal(a.wire(), b.wire());
}

Result<DnsView> DnsView::parse(Bytes message) noexcept {
  if (message.size() < kDnsHeaderSize || message.size() > kDnsMaxMessage) return DropReason::kDnsMalformed;
  return DnsView{message};
}

Result<DnsQuestion> DnsView::question() const noexcept {
  if (question_count() != 1) return DropReason::kDnsMalformed;
  const Result<DnsName::Read> read = DnsName::read(message_, kDnsHeaderSize);
  if (!read) return read.error();
  if (message_.size() - read->end < kQuestionFixedSize) return DropReason::kDnsMalformed;
  const std::uint8_t* const at = message_.data() + read->end;
  return DnsQuestion{.name = read->name,
                     .type = DnsType{load_be<std::uint16_t>(at)},
                     .klass = load_be<std::uint16_t>(at + 2)};
}

bool DnsView::answers(const DnsView& query) const noexcept {
  if (!is_response() || query.is_response() || id() != query.id() || opcode() != query.opcode()) return false;
  const Result<DnsQuestion> ours = question();
  const Result<DnsQuestion> asked = query.question();
  return ours && asked && *ours == *asked;
}

std::optional<std::size_t> DnsView::answers_offset() const noexcept {
  const Result<DnsName::Read> read = DnsName::read(message_, kDnsHeaderSize);
  if (question_count() != 1 || !read || message_.size() - read->end < kQuestionFixedSize) return std::nullopt;
  return read->end + kQuestionFixedSize;
}

std::optional<DnsView::AnswerRecord> DnsView::record_at(std::size_t offset) const noexcept {
  const std::optional<std::size_t> at = skip_name(message_, offset);
  if (!at || *at + kRecordFixedSize > message_.size()) return std::nullopt;
  const std::uint8_t* const record = message_.data() + *at;
  const std::size_t data = *at + kRecordFixedSize;
  const std::size_t size = load_be<std::uint16_t>(record + 8);
  if (message_.size() - data < size) return std::nullopt;
  const DnsType type{load_be<std::uint16_t>(record)};
  AnswerRecord answer{.address = std::nullopt, .end = data + size};
  if ((type == DnsType::kA && size == 4) || (type == DnsType::kAaaa && size == 16)) {
    answer.address = IpAddress::from_bytes(message_.subspan(data, size));
  }
  return answer;
}

std::size_t DnsView::udp_reply_limit() const noexcept {
  return std::max(kDnsClassicUdpSize, edns_udp_size());
}

std::size_t DnsView::edns_udp_size() const noexcept {
  if (question_count() > 1) return 0;
  std::size_t offset = kDnsHeaderSize;
  std::optional<std::size_t> at;
  if (question_count() == 1) {
    at = skip_name(message_, offset);
    if (!at || *at + kQuestionFixedSize > message_.size()) return 0;
    offset = *at + kQuestionFixedSize;
  }

  const std::size_t before = std::size_t{answer_count()} + authority_count();
  const std::size_t records = std::min(before + additional_count(), kDnsMaxRecords);
  for (std::size_t i = 0; i < records; ++i) {
    at = skip_name(message_, offset);
    if (!at || *at + kRecordFixedSize > message_.size()) return 0;
    const std::uint8_t* const record = message_.data() + *at;
    const bool is_opt = i >= before && DnsType{load_be<std::uint16_t>(record)} == DnsType::kOpt;
    // RFC 6891 6.1.2: the class of an OPT record is a size; below 512 it means 512.
    if (is_opt) return std::max<std::size_t>(load_be<std::uint16_t>(record + 2), kDnsClassicUdpSize);
    offset = *at + kRecordFixedSize + load_be<std::uint16_t>(record + 8);
  }
  return 0;
}

std::vector<std::uint8_t> write_dns_query(std::uint16_t id, const DnsName& name, DnsType type) {
  const Bytes asked = name.wire();
  std::vector<std::uint8_t> query(kDnsHeaderSize + asked.size() + kQuestionFixedSize);
  store_be(query.data(), id);
  query[2] = kRecursionDesiredFlag;
  store_be<std::uint16_t>(query.data() + 4, 1);
  std::ranges::copy(asked, query.begin() + kDnsHeaderSize);
  std::uint8_t* const end = query.data() + kDnsHeaderSize + asked.size();
  store_be(end, static_cast<std::uint16_t>(type));
  store_be(end + 2, kDnsClassIn);
  return query;
}

std::size_t write_dns_reply(MutableBytes into, const DnsView& query, DnsRcode rcode,
                            DnsTruncation truncation) noexcept {
  assert(into.size() >= kDnsMaxShortReply);
  const Bytes asked = query.message();
  const Result<DnsQuestion> question = query.question();
  const bool with_edns = query.has_edns();

  std::uint8_t* at = into.data();
  std::memset(at, 0, kDnsHeaderSize);
  store_be(at, query.id());
  at[2] = static_cast<std::uint8_t>(kResponseFlag | (asked[2] & (kOpcodeMask | kRecursionDesiredFlag)) |
                                    (truncation == DnsTruncation::kTruncated ? kTruncatedFlag : 0));
  at[3] = static_cast<std::uint8_t>(kRecursionAvailableFlag | static_cast<std::uint8_t>(rcode));
  store_be(at + 4, static_cast<std::uint16_t>(question.has_value()));
  store_be(at + 10, static_cast<std::uint16_t>(with_edns));
  at += kDnsHeaderSize;

  if (question) {
    const Bytes name = question->name.wire();
    at = std::copy(name.begin(), name.end(), at);
    store_be(at, static_cast<std::uint16_t>(question->type));
    store_be(at + 2, question->klass);
    at += kQuestionFixedSize;
  }
  if (with_edns) {
    *at++ = 0;  // the root
    std::memset(at, 0, kRecordFixedSize);
    store_be(at, static_cast<std::uint16_t>(DnsType::kOpt));
    store_be(at + 2, static_cast<std::uint16_t>(kDnsSafeUdpSize));
    at += kRecordFixedSize;
  }
  return static_cast<std::size_t>(at - into.data());
}

std::vector<std::uint8_t> write_dns_answer(const DnsView& query, DnsRcode rcode,
                                           std::span<const DnsRecord> records, std::uint32_t ttl_seconds,
                                           std::size_t limit) {
  std::vector<std::uint8_t> reply(kDnsMaxShortReply);
  reply.resize(write_dns_reply(reply, query, rcode));
  reply[2] |= kAuthoritativeFlag;
  // The records stand between the question and the OPT record.
  std::size_t at = reply.size() - (query.has_edns() ? 1 + kRecordFixedSize : 0);
  std::uint16_t count = 0;
  for (const DnsRecord& record : records) {
    std::array<std::uint8_t, 2 + kRecordFixedSize> head{};
    if (reply.size() + head.size() + record.data.size() > limit) {
      reply[2] |= kTruncatedFlag;
      break;
    }
    store_be(head.data(), kPointerToQuestion);
    store_be(head.data() + 2, static_cast<std::uint16_t>(record.type));
    store_be(head.data() + 4, kDnsClassIn);
    store_be(head.data() + 6, ttl_seconds);
    store_be(head.data() + 10, static_cast<std::uint16_t>(record.data.size()));
    reply.insert(reply.begin() + static_cast<std::ptrdiff_t>(at), head.begin(), head.end());
    at += head.size();
    reply.insert(reply.begin() + static_cast<std::ptrdiff_t>(at), record.data.begin(), record.data.end());
    at += record.data.size();
    ++count;
  }
  store_be(reply.data() + 6, count);
  return reply;
}

}  // namespace wgr::wire
