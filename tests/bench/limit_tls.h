// TLS of the limit: BoringSSL as a server, from memory to memory, and nothing around it.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <vector>

#include "core/bytes.h"

namespace wgr::bench {

class LimitTlsContext {
 public:
  // PEM files; ends the program if they cannot be used.
  LimitTlsContext(const char* certificate, const char* private_key);
  ~LimitTlsContext();
  LimitTlsContext(const LimitTlsContext&) = delete;
  LimitTlsContext& operator=(const LimitTlsContext&) = delete;

 private:
  friend class LimitTls;
  SSL_CTX* const context_;
  BIO_METHOD* const pipe_;
};

class LimitTls {
 public:
  explicit LimitTls(const LimitTlsContext& context);
  ~LimitTls();
  LimitTls(const LimitTls&) = delete;
  LimitTls& operator=(const LimitTls&) = delete;

  // Bytes of the network: shakes hands, then opens records into `plain`; returns how much came out.
  // REQUIRES: plain holds sealed.size() bytes and a record.
  std::size_t receive(Bytes sealed, MutableBytes plain);
  // Seals into sealed().
  void send(Bytes plain);
  void close() { SSL_shutdown(ssl_); }
  bool is_open() const { return SSL_in_init(ssl_) == 0; }

  // Due to the network, until clear().
  Bytes sealed() const noexcept { return Bytes{pipe_.outgoing}.first(pipe_.size); }
  void clear() noexcept { pipe_.size = 0; }

 private:
  struct Pipe {
    Bytes incoming;
    std::vector<std::uint8_t> outgoing;
    std::size_t size = 0;
  };
  friend class LimitTlsContext;
  static int read_pipe(BIO* bio, char* into, int size);
  static int write_pipe(BIO* bio, const char* from, int size);
  static long control_pipe(BIO* bio, int command, long number, void* pointer);

  Pipe pipe_;
  SSL* const ssl_;
};

}  // namespace wgr::bench
