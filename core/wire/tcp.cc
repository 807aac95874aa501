#include "core/wire/tcp.h"

#include <algorithm>
#include <cassert>

namespace wgr::wire {
namespace {

enum OptionKind : std::uint8_t {
  kEndOfOptions = 0,
  kNoOperation = 1,
  kMss = 2,
  kWindowScale = 3,
  kSackPermitted = 4,
  kSack = 5,
  kTimestamps = 8,
};

constexpr std::size_t kMssLength = 4;
constexpr std::size_t kWindowScaleLength = 3;
constexpr std::size_t kSackPermittedLength = 2;
constexpr std::size_t kTimestampsLength = 10;
constexpr std::size_t kSackBlockLength = 8;

// NOP NOP TIMESTAMPS 10: how nearly every segment of nearly every sender begins (RFC 7323 A).
constexpr std::uint32_t kAlignedTimestamps = 0x0101080a;

Timestamps load_timestamps(const std::uint8_t* at) noexcept {
  return {load_be<std::uint32_t>(at), load_be<std::uint32_t>(at + 4)};
}

void read_sack(TcpOptions& into, Bytes blocks) noexcept {
  if (blocks.empty() || blocks.size() % kSackBlockLength != 0) return;
  const std::size_t count = std::min(blocks.size() / kSackBlockLength, into.sack.size());
  into.sack = {};  // a second SACK option takes the place of the first
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* const at = blocks.data() + i * kSackBlockLength;
    into.sack[i] = {load_be<std::uint32_t>(at), load_be<std::uint32_t>(at + 4)};
  }
  into.sack_count = static_cast<std::uint8_t>(count);
}

// `option` is kind, length and value, `length` bytes in all.
void read_option(TcpOptions& into, Bytes option) noexcept {
  const std::uint8_t* const value = option.data() + 2;
  switch (option[0]) {
    case kMss:
      if (option.size() == kMssLength) into.mss = load_be<std::uint16_t>(value);
      break;
    case kWindowScale:
      if (option.size() == kWindowScaleLength) into.window_scale = std::min(value[0], kTcpMaxWindowScale);
      break;
    case kSackPermitted:
      if (option.size() == kSackPermittedLength) into.sack_permitted = true;
      break;
    case kTimestamps:
      if (option.size() == kTimestampsLength) into.timestamps = load_timestamps(value);
      break;
    case kSack:
      read_sack(into, option.subspan(2));
      break;
    default:
      break;
  }
}

// Appends options; every group it writes is a whole number of words.
class OptionWriter {
 public:
  explicit OptionWriter(std::uint8_t* at) noexcept : at_(at) {}

  void mss(std::uint16_t mss) noexcept {
    put(kMss, kMssLength);
    put_word(mss);
  }
  void window_scale(std::uint8_t shift) noexcept {
    *at_++ = kNoOperation;
    put(kWindowScale, kWindowScaleLength);
    *at_++ = shift;
  }
  // SACK-permitted takes the place of the padding in front of the timestamps.
  void timestamps(const Timestamps& timestamps, bool sack_permitted) noexcept {
    if (sack_permitted) {
      put(kSackPermitted, kSackPermittedLength);
    } else {
      put(kNoOperation, kNoOperation);
    }
    put(kTimestamps, kTimestampsLength);
    put_word(timestamps.value);
    put_word(timestamps.echo);
  }
  void sack_permitted() noexcept {
    put(kNoOperation, kNoOperation);
    put(kSackPermitted, kSackPermittedLength);
  }
  void sack(std::span<const SackBlock> blocks) noexcept {
    put(kNoOperation, kNoOperation);
    put(kSack, 2 + blocks.size() * kSackBlockLength);
    for (const SackBlock& block : blocks) {
      put_word(block.begin);
      put_word(block.end);
    }
  }

 private:
  void put(std::uint8_t first, std::size_t second) noexcept {
    *at_++ = first;
    *at_++ = static_cast<std::uint8_t>(second);
  }
  template <typename Word>
  void put_word(Word word) noexcept {
    store_be(at_, word);
    at_ += sizeof word;
  }

  std::uint8_t* at_;
};

void write_options(std::uint8_t* at, const TcpOptions& options) noexcept {
  OptionWriter writer{at};
  if (options.mss) writer.mss(*options.mss);
  if (options.timestamps) {
    writer.timestamps(*options.timestamps, options.sack_permitted);
  } else if (options.sack_permitted) {
    writer.sack_permitted();
  }
  if (options.window_scale) writer.window_scale(*options.window_scale);
  if (options.sack_count > 0) writer.sack(options.sack_blocks());
}

std::size_t options_size(const TcpOptions& options) noexcept {
  std::size_t size = 0;
  if (options.mss) size += kMssLength;
  if (options.timestamps) {
    size += kTcpTimestampsSize;
  } else if (options.sack_permitted) {
    size += 4;
  }
  if (options.window_scale) size += 4;
  if (options.sack_count > 0) size += 4 + options.sack_count * kSackBlockLength;
  return size;
}

}  // namespace

Result<TcpView> TcpView::parse(MutableBytes segment) noexcept {
  if (segment.size() < kTcpHeaderSize) return DropReason::kPacketMalformed;
  const std::size_t header_length = std::size_t{segment[12]} / 16 * 4;
  if (header_length < kTcpHeaderSize || header_length > segment.size()) return DropReason::kPacketMalformed;
  return TcpView{segment, header_length};
}

TcpOptions TcpView::options() const noexcept {
  return parse_tcp_options(segment_.first(header_length_).subspan(kTcpHeaderSize));
}

bool TcpView::checksum_is_valid(const IpAddress& source, const IpAddress& destination) const noexcept {
  return (pseudo_header_sum(source, destination, IpProtocol::kTcp, segment_.size()) +
          PartialSum::of(segment_))
      .is_valid();
}

TcpOptions parse_tcp_options(Bytes options) noexcept {
  TcpOptions parsed;
  std::size_t i = 0;
  if (options.size() >= kTcpTimestampsSize && load_be<std::uint32_t>(options.data()) == kAlignedTimestamps) {
    parsed.timestamps = load_timestamps(options.data() + 4);
    i = kTcpTimestampsSize;
  }
  while (i < options.size()) {
    const std::uint8_t kind = options[i];
    if (kind == kEndOfOptions) break;
    if (kind == kNoOperation) {
      ++i;
      continue;
    }
    if (options.size() - i < 2) break;
    const std::size_t length = options[i + 1];
    if (length < 2 || length > options.size() - i) break;
    read_option(parsed, options.subspan(i, length));
    i += length;
  }
  return parsed;
}

std::size_t TcpHeader::size() const noexcept { return kTcpHeaderSize + options_size(options); }

void write_tcp(MutableBytes segment, const TcpHeader& header, PartialSum addresses,
               PartialSum payload) noexcept {
  const std::size_t header_length = header.size();
  assert(header_length <= kTcpMaxHeaderSize && header_length <= segment.size());
  std::uint8_t* const at = segment.data();
  store_be(at, header.source_port);
  store_be(at + 2, header.destination_port);
  store_be(at + 4, header.sequence);
  store_be(at + 8, header.acknowledgement);
  at[12] = static_cast<std::uint8_t>(header_length / 4 * 16);
  at[13] = header.flags.bits;
  store_be(at + 14, header.window);
  store_be(at + 16, std::uint32_t{0});  // checksum, urgent pointer
  write_options(at + kTcpHeaderSize, header.options);
  const PartialSum sum = pseudo_header_sum(addresses, IpProtocol::kTcp, segment.size()) +
                         PartialSum::of(segment.first(header_length)) + payload;
  store_be(at + 16, sum.checksum());
}

void write_tcp(MutableBytes segment, const TcpHeader& header, const IpAddress& source,
               const IpAddress& destination) noexcept {
  write_tcp(segment, header, address_sum(source, destination),
            PartialSum::of(segment.subspan(header.size())));
}

}  // namespace wgr::wire
