// The handshake: Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (whitepaper 5.4.2 and 5.4.3).
//
//   <- s
//   ...
//   initiation: -> e, es, s, ss, {t}
//   response:   <- e, ee, se, psk, {}
//
// Pure functions over values: they keep no tables and send nothing. A responder has two steps,
// because an initiation may arrive on a worker that is not the peer's home: open_initiation() learns
// who asks (e, es, s) with the router's identity alone; accept_initiation() goes on with what only the
// home knows (ss, {t}), and then create_response() answers.
//
// MACs and cookies are not here (cookie.h).
//
// Thread: values.
#pragma once

#include <cstdint>
#include <optional>

#include "core/endpoint.h"
#include "core/guest_id.h"
#include "core/secret.h"
#include "wireguard/crypto.h"
#include "wireguard/kdf.h"
#include "wireguard/messages.h"
#include "wireguard/tai64n.h"

namespace wgr::wireguard {

// Who we are.
struct Identity {
  explicit Identity(const PrivateKey& key) noexcept : private_key(key), public_key(public_key_of(key)) {}

  PrivateKey private_key;
  PublicKey public_key;
};

// What both sides know of a handshake at some point of it.
struct Transcript {
  // After the prologue, with the responder's static key mixed in.
  static Transcript begin(const PublicKey& responder) noexcept;

  void mix_hash(Bytes data) noexcept;
  void mix_ephemeral(const PublicKey& ephemeral) noexcept;
  // Mixes a Diffie-Hellman result into the chaining key and gives the key for what follows.
  SecretKey mix_key(const SecretKey& shared) noexcept;
  SecretKey mix_psk(const SecretKey& psk) noexcept;
  // Writes plaintext.size() + kTagSize bytes and mixes them in.
  void seal(const SecretKey& key, Bytes plaintext, std::uint8_t* out) noexcept;
  // Writes sealed.size() - kTagSize bytes. REQUIRES: sealed.size() >= kTagSize, at most 48.
  [[nodiscard]] bool open(const SecretKey& key, Bytes sealed, std::uint8_t* out) noexcept;

  SecretKey chaining_key;
  SecretBytes<32> hash;
};

// The transport keys a handshake ends with, from our side.
struct SessionKeys {
  SecretKey sending;
  SecretKey receiving;
};

// --- initiator ---

// What an initiator remembers until the response comes.
struct SentInitiation {
  Transcript transcript;
  PrivateKey ephemeral;
};

// Fills everything but the MACs of `message`. `static_shared` is the DH of both static keys. Nothing
// if the responder's key is a low-order point.
std::optional<SentInitiation> create_initiation(const Identity& identity, const PublicKey& responder,
                                                const SecretKey& static_shared, const Timestamp& stamp,
                                                std::uint32_t sender_index, Initiation& message) noexcept;

// Nothing if the response does not authenticate; `sent` is untouched, the true response may still come.
std::optional<SessionKeys> consume_response(const Identity& identity, const SentInitiation& sent,
                                            const SecretKey& psk, const Response& message) noexcept;

// --- responder ---

// An initiation whose sender is known but not yet proven to be fresh. It crosses workers by mailbox.
struct OpenedInitiation {
  GuestId peer;  // filled by the device from its directory
  Endpoint from;
  std::uint32_t sender_index = 0;
  PublicKey initiator{};
  PublicKey ephemeral{};
  std::array<std::uint8_t, 12 + kTagSize> sealed_timestamp{};
  Transcript transcript;
};

std::optional<OpenedInitiation> open_initiation(const Identity& identity, const Initiation& message) noexcept;

// The time stamp, once the initiator has proven to hold its static key. `static_shared` as above.
std::optional<Timestamp> accept_initiation(OpenedInitiation& opened, const SecretKey& static_shared) noexcept;

// Fills everything but the MACs of `message`. REQUIRES: accept_initiation() accepted `opened`.
std::optional<SessionKeys> create_response(const OpenedInitiation& opened, const SecretKey& psk,
                                           std::uint32_t sender_index, Response& message) noexcept;

}  // namespace wgr::wireguard
