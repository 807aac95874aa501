// TLS towards clients of the server, and towards servers of the dialer: bytes in, bytes out, no socket
// (BoringSSL with memory buffers). TLS 1.2 and newer, ALPN http/1.1, tickets whose keys rotate.
//
// Thread: TlsContext is immutable and shared by workers; a TlsChannel is confined to its session.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "ws/config.h"

namespace wgr::ws {

// Files that cannot serve: a sentence for the operator, which names the file, and whose fault it is.
class TlsFileError : public std::runtime_error {
 public:
  enum class Part : std::uint8_t { kCertificate, kPrivateKey, kPassphrase };

  TlsFileError(Part part, const std::string& sentence) : std::runtime_error(sentence), part_(part) {}
  Part part() const noexcept { return part_; }

 private:
  Part part_;
};

class TlsContext {
 public:
  // Reads chain and key, which must belong together; throws TlsFileError.
  static std::shared_ptr<const TlsContext> for_server(const TlsFiles& files);
  // For dialing out. `authorities`: a PEM file; empty: the system's. With `verify` off anything goes. Throws
  // TlsFileError.
  static std::shared_ptr<const TlsContext> for_client(const std::string& authorities, bool verify);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsChannel;
  struct Parts;
  explicit TlsContext(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The contexts of a server's listeners, by index; null: plain.
class TlsContexts {
 public:
  explicit TlsContexts(const Config& config);  // throws like TlsContext::for_server
  const std::shared_ptr<const TlsContext>& at(std::size_t listener) const { return contexts_.at(listener); }

 private:
  std::vector<std::shared_ptr<const TlsContext>> contexts_;
};

// One connection. The bytes of both sides pass through; what is due to the network is appended to `out`.
class TlsChannel {
 public:
  enum class State : std::uint8_t { kHandshaking, kOpen, kClosed, kFailed };

  static std::unique_ptr<TlsChannel> accept(std::shared_ptr<const TlsContext> context);
  // `host` is sent as SNI and must be named by the certificate.
  static std::unique_ptr<TlsChannel> connect(std::shared_ptr<const TlsContext> context,
                                             std::string_view host);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  // A client's first bytes. REQUIRES: made by connect().
  void start(std::vector<std::uint8_t>& out);
  // Bytes from the network. Appends plaintext to `plain` and answers to `out`.
  State receive(Bytes from_network, std::vector<std::uint8_t>& plain, std::vector<std::uint8_t>& out);
  // The handshake is done and close() was not called. A closed channel may still answer: who sent
  // close_notify has only ended its own side (RFC 8446 6.1).
  bool may_send() const noexcept;
  // Seals plaintext. REQUIRES: may_send().
  void send(Bytes plain, std::vector<std::uint8_t>& out);
  // close_notify.
  void close(std::vector<std::uint8_t>& out);

  State state() const noexcept;
  // It failed since what came is HTTP without TLS: whoever sent that can read an answer of the same kind.
  bool met_plain_http() const noexcept;
  // Why it failed, for logs: never a secret.
  std::string_view failure() const noexcept;

 private:
  struct Parts;
  explicit TlsChannel(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace wgr::ws
