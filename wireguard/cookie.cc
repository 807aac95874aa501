#include "wireguard/cookie.h"

#include <algorithm>
#include <string_view>

#include "wireguard/blake2s.h"

namespace wgr::wireguard {
namespace {

constexpr std::string_view kMac1Label = "mac1----";
constexpr std::string_view kCookieLabel = "cookie--";

SecretBytes<32> labelled_key(std::string_view label, const PublicKey& key) noexcept {
  return SecretBytes<32>{hash(wgr::bytes_of(label), key)};
}

Bytes without_macs(Bytes message) noexcept { return message.first(message.size() - kMacsSize); }
Bytes without_mac2(Bytes message) noexcept { return message.first(message.size() - sizeof(Mac)); }
Bytes mac1_of(Bytes message) noexcept { return without_mac2(message).last(sizeof(Mac)); }
Bytes mac2_of(Bytes message) noexcept { return message.last(sizeof(Mac)); }

}  // namespace

CookieChecker::CookieChecker(const PublicKey& own_key) noexcept
    : mac1_key_(labelled_key(kMac1Label, own_key)), reply_key_(labelled_key(kCookieLabel, own_key)) {}

bool CookieChecker::has_valid_mac1(Bytes message) const noexcept {
  return equal_secret(mac(mac1_key_.bytes(), without_macs(message)), mac1_of(message));
}

bool CookieChecker::has_valid_mac2(Bytes message, const Endpoint& from, Instant now) noexcept {
  const Cookie cookie = cookie_for(from, now);
  return equal_secret(mac(cookie.bytes(), without_mac2(message)), mac2_of(message));
}

CookieChecker::Verdict CookieChecker::check(Bytes message, const Endpoint& from, Instant now) noexcept {
  if (!has_valid_mac1(message)) return Verdict::kInvalid;
  return has_valid_mac2(message, from, now) ? Verdict::kMac1AndMac2 : Verdict::kMac1;
}

CookieReply CookieChecker::create_reply(Bytes message, std::uint32_t sender_index, const Endpoint& from,
                                        Instant now) noexcept {
  CookieReply reply;
  store_le(reply.receiver.data(), sender_index);
  random_bytes(reply.nonce);
  xseal(reply_key_, reply.nonce, cookie_for(from, now).bytes(), mac1_of(message), reply.sealed_cookie.data());
  return reply;
}

Cookie CookieChecker::cookie_for(const Endpoint& from, Instant now) noexcept {
  if (secret_made_ == kNever || now - secret_made_ >= kCookieSecretLifetime) {
    secret_ = SecretBytes<32>::random();
    secret_made_ = now;
  }
  // The port as well as the address: behind one NAT address there are many who do not trust each other.
  std::uint8_t port[2];
  store_be(port, from.remote.port);
  std::uint8_t session[8];
  store_be(session, from.session);
  Blake2s keyed{Cookie::kSize, secret_.bytes()};
  keyed.update(from.remote.ip.bytes()).update(port);
  if (from.kind == Endpoint::Kind::kSession) keyed.update(session);
  Cookie cookie;
  keyed.finish(cookie.data());
  return cookie;
}

CookieJar::CookieJar(const PublicKey& peer_key) noexcept
    : mac1_key_(labelled_key(kMac1Label, peer_key)), reply_key_(labelled_key(kCookieLabel, peer_key)) {}

void CookieJar::add_macs(MutableBytes message, Instant now) noexcept {
  const Mac mac1 = mac(mac1_key_.bytes(), without_macs(message));
  std::copy(mac1.begin(), mac1.end(), message.end() - kMacsSize);
  last_mac1_ = mac1;

  Mac mac2{};
  const bool has_cookie =
      cookie_received_ != kNever && now - cookie_received_ < kCookieSecretLifetime - kCookieLatency;
  if (has_cookie) mac2 = mac(cookie_.bytes(), without_mac2(message));
  std::copy(mac2.begin(), mac2.end(), message.end() - sizeof(Mac));
}

bool CookieJar::consume_reply(const CookieReply& reply, Instant now) noexcept {
  if (!last_mac1_) return false;
  Cookie cookie;
  if (!xopen(reply_key_, reply.nonce, reply.sealed_cookie, *last_mac1_, cookie.data())) return false;
  cookie_ = cookie;
  cookie_received_ = now;
  last_mac1_.reset();  // one reply per message
  return true;
}

}  // namespace wgr::wireguard
