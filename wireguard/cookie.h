// MAC1, MAC2 and cookies (whitepaper 5.4.4 to 5.4.7): how a loaded responder makes an initiator prove
// its address before it spends a Diffie-Hellman on it.
//
//   mac1 = Mac(Hash("mac1----" || receiver's key), message up to mac1)
//   mac2 = Mac(cookie, message up to mac2)               zeros while the sender has no cookie
//   cookie = Mac(secret of two minutes, source address and port)
//
// Thread: confined to one worker; the secret is the worker's own.
#pragma once

#include <cstdint>
#include <optional>

#include "core/endpoint.h"
#include "core/secret.h"
#include "core/time.h"
#include "wireguard/constants.h"
#include "wireguard/crypto.h"
#include "wireguard/messages.h"

namespace wgr::wireguard {

using Cookie = SecretBytes<16>;

// The receiving side: checks the MACs of initiations and responses to us, and makes cookies.
class CookieChecker {
 public:
  enum class Verdict : std::uint8_t { kInvalid, kMac1, kMac1AndMac2 };

  explicit CookieChecker(const PublicKey& own_key) noexcept;

  // `message` is a whole initiation or response. MAC2 is looked at only when it matters, which is under load.
  bool has_valid_mac1(Bytes message) const noexcept;
  bool has_valid_mac2(Bytes message, const Endpoint& from, Instant now) noexcept;
  Verdict check(Bytes message, const Endpoint& from, Instant now) noexcept;

  // The reply to `message`, whose MAC1 is valid and whose sender calls itself `sender_index`.
  CookieReply create_reply(Bytes message, std::uint32_t sender_index, const Endpoint& from,
                           Instant now) noexcept;

 private:
  Cookie cookie_for(const Endpoint& from, Instant now) noexcept;

  // Constant after construction.
  SecretBytes<32> mac1_key_;
  SecretBytes<32> reply_key_;

  SecretBytes<32> secret_;  // changed by cookie_for(), every Cookie-Secret-Lifetime
  Instant secret_made_ = kNever;
};

// The sending side: one per peer.
class CookieJar {
 public:
  explicit CookieJar(const PublicKey& peer_key) noexcept;

  // Fills mac1, and mac2 if there is a fresh cookie, at the end of a whole initiation or response.
  void add_macs(MutableBytes message, Instant now) noexcept;
  // Takes the cookie out. False if the reply is not about the last message we sent.
  bool consume_reply(const CookieReply& reply, Instant now) noexcept;

 private:
  // Constant after construction.
  SecretBytes<32> mac1_key_;
  SecretBytes<32> reply_key_;

  std::optional<Mac> last_mac1_;  // of the last message; a reply authenticates itself with it
  Cookie cookie_;
  Instant cookie_received_ = kNever;
};

}  // namespace wgr::wireguard
