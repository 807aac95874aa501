#include "tests/bench/limit_tls.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace wgr::bench {
namespace {

constexpr std::size_t kRecord = 16 * 1024;

}  // namespace

LimitTlsContext::LimitTlsContext(const char* certificate, const char* private_key)
    : context_(SSL_CTX_new(TLS_method())), pipe_(BIO_meth_new(0, "pipe")) {
  BIO_meth_set_read(pipe_, LimitTls::read_pipe);
  BIO_meth_set_write(pipe_, LimitTls::write_pipe);
  BIO_meth_set_ctrl(pipe_, LimitTls::control_pipe);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(context_, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context_, private_key, SSL_FILETYPE_PEM) != 1) {
    std::fprintf(stderr, "cannot use %s and %s\n", certificate, private_key);
    std::exit(1);
  }
}

LimitTlsContext::~LimitTlsContext() {
  SSL_CTX_free(context_);
  BIO_meth_free(pipe_);
}

LimitTls::LimitTls(const LimitTlsContext& context) : ssl_(SSL_new(context.context_)) {
  BIO* const bio = BIO_new(context.pipe_);
  BIO_set_data(bio, &pipe_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
}

LimitTls::~LimitTls() { SSL_free(ssl_); }

std::size_t LimitTls::receive(Bytes sealed, MutableBytes plain) {
  pipe_.incoming = sealed;
  std::size_t taken = 0;
  while (true) {  // shakes hands as well
    const int size = SSL_read(ssl_, plain.data() + taken, static_cast<int>(plain.size() - taken));
    if (size <= 0) break;
    taken += static_cast<std::size_t>(size);
  }
  return taken;
}

void LimitTls::send(Bytes plain) {
  while (!plain.empty()) {
    const std::size_t size = std::min(plain.size(), kRecord);
    if (SSL_write(ssl_, plain.data(), static_cast<int>(size)) <= 0) {
      std::fprintf(stderr, "SSL_write failed\n");
      std::exit(1);
    }
    plain = plain.subspan(size);
  }
}

int LimitTls::read_pipe(BIO* bio, char* into, int size) {
  Pipe& pipe = *static_cast<Pipe*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (pipe.incoming.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(pipe.incoming.size(), static_cast<std::size_t>(size));
  std::memcpy(into, pipe.incoming.data(), count);
  pipe.incoming = pipe.incoming.subspan(count);
  return static_cast<int>(count);
}

int LimitTls::write_pipe(BIO* bio, const char* from, int size) {
  Pipe& pipe = *static_cast<Pipe*>(BIO_get_data(bio));
  const auto count = static_cast<std::size_t>(size);
  if (pipe.outgoing.size() < pipe.size + count) pipe.outgoing.resize(pipe.size + count);
  std::memcpy(pipe.outgoing.data() + pipe.size, from, count);
  pipe.size += count;
  return size;
}

long LimitTls::control_pipe(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace wgr::bench
