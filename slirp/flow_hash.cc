#include "slirp/flow_hash.h"

#include "core/secret.h"

namespace wgr::slirp {

namespace {

// -Wpedantic lets 128 bits pass only so.
__extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using)

struct Words {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};

// Both families fill two words; the lengths never mix, because an IPv4 flow leaves the first word zero
// and a length is part of no key: ::a.b.c.d and a.b.c.d may collide, which costs one comparison.
Words words_of(const IpAddress& ip) noexcept {
  const std::uint8_t* bytes = ip.bytes().data();
  if (ip.is_v4()) return {0, load_be<std::uint32_t>(bytes)};
  return {load_be<std::uint64_t>(bytes), load_be<std::uint64_t>(bytes + 8)};
}

Wide product(std::uint64_t a, std::uint64_t b) noexcept { return Wide{a} * b; }

// NH makes sums differ, not their low bits look random: keys in a row come out in a row. The finalizer of
// MurmurHash3 spreads them; it loses nothing.
std::uint64_t fold(Wide sum) noexcept {
  auto mixed = static_cast<std::uint64_t>(sum >> 64) ^ static_cast<std::uint64_t>(sum);
  mixed ^= mixed >> 33;
  mixed *= 0xff51afd7ed558ccdu;
  mixed ^= mixed >> 33;
  mixed *= 0xc4ceb9fe1a85ec53u;
  return mixed ^ (mixed >> 33);
}

}  // namespace

FlowHash::FlowHash() noexcept {
  std::array<std::uint8_t, sizeof key_> bytes;
  random_bytes(bytes);
  for (std::size_t i = 0; i < key_.size(); ++i) key_[i] = load_le<std::uint64_t>(bytes.data() + i * 8);
}

std::uint64_t FlowHash::operator()(const FlowKey& key) const noexcept {
  const Words guest = words_of(key.guest_side.ip);
  const Words remote = words_of(key.remote.ip);
  const std::uint64_t ports = std::uint64_t{key.guest_side.port} << 16 | key.remote.port;
  return fold(product(key_[0] + guest.low, key_[1] + remote.low) +
              product(key_[2] + guest.high, key_[3] + remote.high) +
              product(key_[4] + ports, key_[5] + key.guest.value()));
}

std::uint64_t FlowHash::operator()(const SocketAddress& address) const noexcept {
  const Words words = words_of(address.ip);
  return fold(product(key_[0] + words.low, key_[1] + words.high) + product(key_[2] + address.port, key_[3]));
}

}  // namespace wgr::slirp
