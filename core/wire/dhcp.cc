#include "core/wire/dhcp.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace wgr::wire {
namespace {

constexpr std::uint32_t kCookie = 0x63825363;
constexpr std::size_t kCookieOffset = 236;
constexpr std::size_t kChaddrOffset = 28;
constexpr std::size_t kMaxHlen = 16;
constexpr std::size_t kSnameOffset = 44;
constexpr std::size_t kSnameSize = 64;
constexpr std::size_t kFileOffset = 108;
constexpr std::size_t kFileSize = 128;
constexpr std::uint8_t kEthernet = 1;
constexpr std::uint16_t kBroadcastFlag = 0x8000;
// Bits of option 52.
constexpr std::uint8_t kFileHasOptions = 1;
constexpr std::uint8_t kSnameHasOptions = 2;
constexpr std::size_t kMaxOptionData = 255;

}  // namespace

template <typename Visit>
bool DhcpView::walk(Bytes field, Visit visit) {
  while (!field.empty()) {
    const DhcpOption code{field[0]};
    if (code == DhcpOption::kEnd) return true;
    if (code == DhcpOption::kPad) {
      field = field.subspan(1);
      continue;
    }
    if (field.size() < 2 || field.size() - 2 < field[1]) return false;
    visit(code, field.subspan(2, field[1]));
    field = field.subspan(2 + std::size_t{field[1]});
  }
  return true;  // the end option is missing: the field's end is one
}

template <typename Visit>
bool DhcpView::walk_all(Visit visit) const {
  std::uint8_t overload = 0;
  const bool is_whole = walk(message_.subspan(kDhcpFixedSize), [&](DhcpOption code, Bytes data) {
    if (code == DhcpOption::kOverload && data.size() == 1) overload = data[0];
    visit(code, data);
  });
  if (!is_whole) return false;
  if ((overload & kFileHasOptions) != 0 && !walk(message_.subspan(kFileOffset, kFileSize), visit))
    return false;
  return (overload & kSnameHasOptions) == 0 || walk(message_.subspan(kSnameOffset, kSnameSize), visit);
}

Result<DhcpView> DhcpView::parse(Bytes message) noexcept {
  if (message.size() < kDhcpFixedSize || message.size() > kDhcpMaxMessage) return DropReason::kDhcpMalformed;
  const bool is_known_op = message[0] == static_cast<std::uint8_t>(DhcpOp::kRequest) ||
                           message[0] == static_cast<std::uint8_t>(DhcpOp::kReply);
  if (!is_known_op || message[2] > kMaxHlen) return DropReason::kDhcpMalformed;
  if (load_be<std::uint32_t>(message.data() + kCookieOffset) != kCookie) return DropReason::kDhcpMalformed;
  const DhcpView view{message};
  if (!view.walk_all([](DhcpOption, Bytes) {})) return DropReason::kDhcpMalformed;
  return view;
}

std::optional<MacAddress> DhcpView::mac() const noexcept {
  if (message_.data()[1] != kEthernet || chaddr().size() != MacAddress::kSize) return std::nullopt;
  return MacAddress::read(chaddr());
}

std::optional<DhcpType> DhcpView::type() const {
  const std::optional<Data> data = option(DhcpOption::kMessageType);
  if (!data || data->size() != 1) return std::nullopt;
  const DhcpType type{data->front()};
  if (type < DhcpType::kDiscover || type > DhcpType::kInform) return std::nullopt;
  return type;
}

bool DhcpView::has(DhcpOption wanted) const {
  bool is_there = false;
  walk_all([&](DhcpOption code, Bytes) { is_there = is_there || code == wanted; });
  return is_there;
}

std::optional<DhcpView::Data> DhcpView::option(DhcpOption wanted) const {
  std::optional<Data> found;
  walk_all([&](DhcpOption code, Bytes data) {
    if (code != wanted) return;
    if (!found) found.emplace();
    found->insert(found->end(), data.begin(), data.end());
  });
  return found;
}

std::optional<IpAddress> DhcpView::address_option(DhcpOption wanted) const {
  const std::optional<Data> data = option(wanted);
  if (!data || data->size() != 4) return std::nullopt;
  return IpAddress::from_bytes(*data);
}

std::optional<std::uint16_t> DhcpView::number_option(DhcpOption wanted) const {
  const std::optional<Data> data = option(wanted);
  if (!data || data->size() != 2) return std::nullopt;
  return load_be<std::uint16_t>(data->data());
}

DhcpWriter::DhcpWriter(const DhcpHeader& header, std::size_t limit)
    : message_(kDhcpFixedSize), limit_(limit) {
  assert(limit >= kBootpMinimum);
  message_[0] = static_cast<std::uint8_t>(header.op);
  message_[1] = kEthernet;
  message_[2] = MacAddress::kSize;
  store_be(message_.data() + 4, header.xid);
  store_be<std::uint16_t>(message_.data() + 10, header.broadcast ? kBroadcastFlag : 0);
  std::size_t offset = 12;
  for (const IpAddress& address : {header.ciaddr, header.yiaddr, header.siaddr, header.giaddr}) {
    assert(address.is_v4());
    std::ranges::copy(address.bytes(), message_.begin() + static_cast<std::ptrdiff_t>(offset));
    offset += 4;
  }
  std::ranges::copy(header.mac.bytes(), message_.begin() + kChaddrOffset);
  store_be(message_.data() + kCookieOffset, kCookie);
}

bool DhcpWriter::add(DhcpOption option, Bytes data) {
  const std::size_t parts = data.empty() ? 1 : (data.size() + kMaxOptionData - 1) / kMaxOptionData;
  if (message_.size() + data.size() + 2 * parts + 1 > limit_) return false;  // one for the end
  do {
    const Bytes part = data.first(std::min(data.size(), kMaxOptionData));
    message_.push_back(static_cast<std::uint8_t>(option));
    message_.push_back(static_cast<std::uint8_t>(part.size()));
    message_.insert(message_.end(), part.begin(), part.end());
    data = data.subspan(part.size());
  } while (!data.empty());
  return true;
}

std::vector<std::uint8_t> DhcpWriter::finish() {
  message_.push_back(static_cast<std::uint8_t>(DhcpOption::kEnd));
  if (message_.size() < kBootpMinimum) message_.resize(kBootpMinimum);
  return std::move(message_);
}

}  // namespace wgr::wire
