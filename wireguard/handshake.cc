#include "wireguard/handshake.h"

#include <algorithm>
#include <cassert>
#include <string_view>

namespace wgr::wireguard {
namespace {

constexpr std::string_view kConstruction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
constexpr std::string_view kIdentifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

// The last step of both sides: two keys from the chaining key, the initiator's sending key first.
void derive_session(const Transcript& transcript, SecretKey& initiator_sends,
                    SecretKey& responder_sends) noexcept {
  derive(transcript.chaining_key.bytes(), {}, initiator_sends, responder_sends);
}

}  // namespace

Transcript Transcript::begin(const PublicKey& responder) noexcept {
  static const Hash construction_hash = wireguard::hash(wgr::bytes_of(kConstruction));
  static const Hash identifier_hash = wireguard::hash(construction_hash, wgr::bytes_of(kIdentifier));
  Transcript transcript;
  transcript.chaining_key = SecretKey{construction_hash};
  transcript.hash = SecretBytes<32>{identifier_hash};
  transcript.mix_hash(responder);
  return transcript;
}

void Transcript::mix_hash(Bytes data) noexcept {
  Blake2s{}.update(hash.bytes()).update(data).finish(hash.data());
}

void Transcript::mix_ephemeral(const PublicKey& ephemeral) noexcept {
  mix_hash(ephemeral);
  derive(chaining_key.bytes(), ephemeral, chaining_key);
}

SecretKey Transcript::mix_key(const SecretKey& shared) noexcept {
  SecretKey key;
  derive(chaining_key.bytes(), shared.bytes(), chaining_key, key);
  return key;
}

SecretKey Transcript::mix_psk(const SecretKey& psk) noexcept {
  SecretKey temporary, key;
  derive(chaining_key.bytes(), psk.bytes(), chaining_key, temporary, key);
  mix_hash(temporary.bytes());
  return key;
}

void Transcript::seal(const SecretKey& key, Bytes plaintext, std::uint8_t* out) noexcept {
  AeadKey{key}.seal(/*counter=*/0, plaintext, hash.bytes(), out);
  mix_hash({out, plaintext.size() + kTagSize});
}

bool Transcript::open(const SecretKey& key, Bytes sealed, std::uint8_t* out) noexcept {
  SecretBytes<48> scratch;
  assert(sealed.size() >= kTagSize && sealed.size() <= scratch.size());
  std::copy(sealed.begin(), sealed.end(), scratch.data());
  if (!AeadKey{key}.open(/*counter=*/0, {scratch.data(), sealed.size()}, hash.bytes())) return false;
  std::copy_n(scratch.data(), sealed.size() - kTagSize, out);
  mix_hash(sealed);
  return true;
}

std::optional<SentInitiation> create_initiation(const Identity& identity, const PublicKey& responder,
                                                const SecretKey& static_shared, const Timestamp& stamp,
                                                std::uint32_t sender_index, Initiation& message) noexcept {
  SentInitiation sent{Transcript::begin(responder), generate_private_key()};
  Transcript& transcript = sent.transcript;
  SecretKey shared;

  store_le(message.sender.data(), sender_index);
  // e
  message.ephemeral = public_key_of(sent.ephemeral);
  transcript.mix_ephemeral(message.ephemeral);
  // es
  if (!diffie_hellman(shared, sent.ephemeral, responder)) return std::nullopt;
  SecretKey key = transcript.mix_key(shared);
  // s
  transcript.seal(key, identity.public_key, message.sealed_static.data());
  // ss
  key = transcript.mix_key(static_shared);
  // {t}
  transcript.seal(key, stamp, message.sealed_timestamp.data());
  return sent;
}

std::optional<SessionKeys> consume_response(const Identity& identity, const SentInitiation& sent,
                                            const SecretKey& psk, const Response& message) noexcept {
  Transcript transcript = sent.transcript;
  SecretKey shared;

  // e
  transcript.mix_ephemeral(message.ephemeral);
  // ee
  if (!diffie_hellman(shared, sent.ephemeral, message.ephemeral)) return std::nullopt;
  transcript.mix_key(shared);
  // se
  if (!diffie_hellman(shared, identity.private_key, message.ephemeral)) return std::nullopt;
  transcript.mix_key(shared);
  // psk
  const SecretKey key = transcript.mix_psk(psk);
  // {}
  if (!transcript.open(key, message.sealed_nothing, nullptr)) return std::nullopt;

  SessionKeys keys;
  derive_session(transcript, keys.sending, keys.receiving);
  return keys;
}

std::optional<OpenedInitiation> open_initiation(const Identity& identity,
                                                const Initiation& message) noexcept {
  OpenedInitiation opened;
  opened.sender_index = load_le<std::uint32_t>(message.sender.data());
  opened.ephemeral = message.ephemeral;
  opened.sealed_timestamp = message.sealed_timestamp;
  opened.transcript = Transcript::begin(identity.public_key);
  SecretKey shared;

  // e
  opened.transcript.mix_ephemeral(message.ephemeral);
  // es
  if (!diffie_hellman(shared, identity.private_key, message.ephemeral)) return std::nullopt;
  const SecretKey key = opened.transcript.mix_key(shared);
  // s
  if (!opened.transcript.open(key, message.sealed_static, opened.initiator.data())) return std::nullopt;
  return opened;
}

std::optional<Timestamp> accept_initiation(OpenedInitiation& opened,
                                           const SecretKey& static_shared) noexcept {
  // ss
  const SecretKey key = opened.transcript.mix_key(static_shared);
  // {t}
  Timestamp stamp;
  if (!opened.transcript.open(key, opened.sealed_timestamp, stamp.data())) return std::nullopt;
  return stamp;
}

std::optional<SessionKeys> create_response(const OpenedInitiation& opened, const SecretKey& psk,
                                           std::uint32_t sender_index, Response& message) noexcept {
  Transcript transcript = opened.transcript;
  const PrivateKey ephemeral = generate_private_key();
  SecretKey shared;

  store_le(message.sender.data(), sender_index);
  store_le(message.receiver.data(), opened.sender_index);
  // e
  message.ephemeral = public_key_of(ephemeral);
  transcript.mix_ephemeral(message.ephemeral);
  // ee
  if (!diffie_hellman(shared, ephemeral, opened.ephemeral)) return std::nullopt;
  transcript.mix_key(shared);
  // se
  if (!diffie_hellman(shared, ephemeral, opened.initiator)) return std::nullopt;
  transcript.mix_key(shared);
  // psk
  const SecretKey key = transcript.mix_psk(psk);
  // {}
  transcript.seal(key, {}, message.sealed_nothing.data());

  SessionKeys keys;
  derive_session(transcript, keys.receiving, keys.sending);
  return keys;
}

}  // namespace wgr::wireguard
