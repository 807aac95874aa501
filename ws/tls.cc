#include "ws/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>

#include "core/address.h"

namespace wgr::ws {
namespace {

// Of TLS 1.2: authenticated encryption and forward secrecy only (RFC 9325 4.2). TLS 1.3 has no other.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr std::array<std::uint8_t, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};  // RFC 7301 3.1
constexpr std::array<std::uint8_t, 8> kSessionContext = {'w', 'g', 'r', 'o', 'u', 't', 'e', 'r'};
constexpr std::size_t kMaxRecord = 16 * 1024;  // plaintext of one record (RFC 8446 5.1)

// Where distributions keep the authorities they trust, beside what the library was built with.
constexpr const char* kAuthorityFiles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                           "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct FreeMethod {
  void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};

std::string last_error() {
  const std::uint32_t error = ERR_peek_last_error();
  const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

using Part = TlsFileError::Part;

[[noreturn]] void fail(Part part, const std::string& sentence) { throw TlsFileError(part, sentence); }

void require_readable(const std::string& file, Part part, const char* what) {
  const std::unique_ptr<std::FILE, CloseFile> opened{std::fopen(file.c_str(), "re")};
  if (!opened) fail(part, "cannot read the " + std::string{what} + " " + file + ": " + std::strerror(errno));
}

struct Passphrase {
  std::string text;
  bool was_asked_for = false;  // the key is encrypted
};

int give_passphrase(char* buffer, int size, int, void* passphrase) {
  auto& [text, was_asked_for] = *static_cast<Passphrase*>(passphrase);
  was_asked_for = true;
  if (text.empty() || size < 0 || text.size() > static_cast<std::size_t>(size)) return 0;
  std::copy(text.begin(), text.end(), buffer);
  return static_cast<int>(text.size());
}

int choose_protocol(SSL*, const std::uint8_t** chosen, std::uint8_t* chosen_size, const std::uint8_t* offered,
                    unsigned offered_size, void*) {
  std::uint8_t* selected = nullptr;
  const int result =
      SSL_select_next_proto(&selected, chosen_size, kHttp11.data(), kHttp11.size(), offered, offered_size);
  *chosen = selected;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// What SSL reads from and writes to during one call.
struct Pipe {
  Bytes incoming;
  std::vector<std::uint8_t>* outgoing = nullptr;
};

Pipe& pipe_of(BIO* bio) { return *static_cast<Pipe*>(BIO_get_data(bio)); }

int read_pipe(BIO* bio, char* into, int size) {
  Pipe& pipe = pipe_of(bio);
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

int write_pipe(BIO* bio, const char* from, int size) {
  Pipe& pipe = pipe_of(bio);
  assert(pipe.outgoing != nullptr);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(from);
  pipe.outgoing->insert(pipe.outgoing->end(), bytes, bytes + size);
  return size;
}

[[noreturn]] void fail_private_key(const TlsFiles& files, bool is_encrypted) {
  const std::uint32_t error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) == ERR_LIB_X509 && ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH) {
    ERR_clear_error();
    fail(Part::kPrivateKey,
         "the private key " + files.private_key + " does not belong to the certificate " + files.certificate);
  }
  const std::string reason = last_error();
  if (is_encrypted && files.passphrase.empty()) {
    fail(Part::kPassphrase, "the private key " + files.private_key + " is encrypted and needs a passphrase");
  }
  if (is_encrypted) {
    fail(Part::kPassphrase, "the passphrase does not open the private key " + files.private_key);
  }
  fail(Part::kPrivateKey, files.private_key + " holds no private key in PEM form: " + reason);
}

// The certificate must be in use already: a key that does not belong to it is refused.
void use_private_key(SSL_CTX* context, const TlsFiles& files) {
  Passphrase passphrase{files.passphrase};
  SSL_CTX_set_default_passwd_cb(context, give_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(context, &passphrase);
  const bool is_used = SSL_CTX_use_PrivateKey_file(context, files.private_key.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  OPENSSL_cleanse(passphrase.text.data(), passphrase.text.size());
  if (!is_used || SSL_CTX_check_private_key(context) != 1) fail_private_key(files, passphrase.was_asked_for);
}

long control_pipe(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace

struct TlsContext::Parts {
  std::unique_ptr<SSL_CTX, FreeContext> context{SSL_CTX_new(TLS_method())};
  std::unique_ptr<BIO_METHOD, FreeMethod> pipe{BIO_meth_new(0, "pipe")};

  Parts() {
    if (!context || !pipe) throw std::bad_alloc();
    BIO_meth_set_read(pipe.get(), read_pipe);
    BIO_meth_set_write(pipe.get(), write_pipe);
    BIO_meth_set_ctrl(pipe.get(), control_pipe);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets need no memory
    if (SSL_CTX_set_strict_cipher_list(context.get(), kCiphers) != 1) {
      throw std::runtime_error("TLS: " + last_error());
    }
  }
};

TlsContext::TlsContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsContext::~TlsContext() = default;

std::shared_ptr<const TlsContext> TlsContext::for_server(const TlsFiles& files) {
  auto parts = std::make_unique<Parts>();
  SSL_CTX* const context = parts->context.get();
  require_readable(files.certificate, Part::kCertificate, "certificate");
  require_readable(files.private_key, Part::kPrivateKey, "private key");
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    fail(Part::kCertificate, files.certificate + " holds no certificate in PEM form: " + last_error());
  }
  use_private_key(context, files);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_id_context(context, kSessionContext.data(), kSessionContext.size());
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  return std::shared_ptr<const TlsContext>{new TlsContext{std::move(parts)}};
}

std::shared_ptr<const TlsContext> TlsContext::for_client(const std::string& authorities, bool verify) {
  auto parts = std::make_unique<Parts>();
  SSL_CTX* const context = parts->context.get();
  SSL_CTX_set_alpn_protos(context, kHttp11.data(), kHttp11.size());
  SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!authorities.empty()) {
    require_readable(authorities, Part::kCertificate, "certificate authorities");
    if (SSL_CTX_load_verify_locations(context, authorities.c_str(), nullptr) != 1) {
      fail(Part::kCertificate, authorities + " holds no certificate in PEM form: " + last_error());
    }
  } else if (verify) {
    SSL_CTX_set_default_verify_paths(context);
    for (const char* file : kAuthorityFiles) SSL_CTX_load_verify_locations(context, file, nullptr);
    ERR_clear_error();
  }
  return std::shared_ptr<const TlsContext>{new TlsContext{std::move(parts)}};
}

TlsContexts::TlsContexts(const Config& config) {
  for (const ListenerConfig& listener : config.listeners) {
    contexts_.push_back(listener.tls ? TlsContext::for_server(*listener.tls) : nullptr);
  }
}

struct TlsChannel::Parts {
  std::shared_ptr<const TlsContext> context;
  Pipe pipe;
  std::unique_ptr<SSL, FreeSsl> ssl;
  State state = State::kHandshaking;
  bool met_plain_http = false;
  bool has_closed = false;  // we sent close_notify
  std::string failure;

  explicit Parts(std::shared_ptr<const TlsContext> from) : context(std::move(from)) {
    const TlsContext::Parts& shared = *context->parts_;
    ssl.reset(SSL_new(shared.context.get()));
    BIO* const bio = BIO_new(shared.pipe.get());
    if (!ssl || bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, &pipe);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl.get(), bio, bio);
    SSL_set_shed_handshake_config(ssl.get(), 1);  // memory only the handshake needs
  }

  void name_host(std::string_view host);
  void shake_hands();
  void read(std::vector<std::uint8_t>& plain);
  void fail();
};

// An address is in the certificate as such, and no server name (RFC 6066 3).
void TlsChannel::Parts::name_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string name{host};
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl.get());
  if (IpAddress::parse(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str());
    return;
  }
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size());
  SSL_set_tlsext_host_name(ssl.get(), name.c_str());
}

void TlsChannel::Parts::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl.get());
  if (result == 1) {
    state = State::kOpen;
  } else if (SSL_get_error(ssl.get(), result) != SSL_ERROR_WANT_READ) {
    fail();
  }
}

void TlsChannel::Parts::read(std::vector<std::uint8_t>& plain) {
  while (state == State::kOpen) {
    const std::size_t before = plain.size();
    plain.resize(before + kMaxRecord);
    ERR_clear_error();
    const int size = SSL_read(ssl.get(), plain.data() + before, static_cast<int>(kMaxRecord));
    plain.resize(before + static_cast<std::size_t>(std::max(size, 0)));
    if (size > 0) continue;
    const int error = SSL_get_error(ssl.get(), size);
    if (error == SSL_ERROR_WANT_READ) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      state = State::kClosed;
    } else {
      fail();
    }
  }
}

void TlsChannel::Parts::fail() {
  state = State::kFailed;
  const std::uint32_t error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    failure = std::string{"certificate: "} + X509_verify_cert_error_string(SSL_get_verify_result(ssl.get()));
    ERR_clear_error();
  } else {
    met_plain_http = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
    failure = last_error();
  }
}

TlsChannel::TlsChannel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsChannel::~TlsChannel() = default;

std::unique_ptr<TlsChannel> TlsChannel::accept(std::shared_ptr<const TlsContext> context) {
  auto parts = std::make_unique<Parts>(std::move(context));
  SSL_set_accept_state(parts->ssl.get());
  return std::unique_ptr<TlsChannel>{new TlsChannel{std::move(parts)}};
}

std::unique_ptr<TlsChannel> TlsChannel::connect(std::shared_ptr<const TlsContext> context,
                                                std::string_view host) {
  auto parts = std::make_unique<Parts>(std::move(context));
  SSL_set_connect_state(parts->ssl.get());
  parts->name_host(host);
  return std::unique_ptr<TlsChannel>{new TlsChannel{std::move(parts)}};
}

void TlsChannel::start(std::vector<std::uint8_t>& out) {
  parts_->pipe = {.incoming = {}, .outgoing = &out};
  if (parts_->state == State::kHandshaking) parts_->shake_hands();
  parts_->pipe = {};
}

TlsChannel::State TlsChannel::receive(Bytes from_network, std::vector<std::uint8_t>& plain,
                                      std::vector<std::uint8_t>& out) {
  parts_->pipe = {.incoming = from_network, .outgoing = &out};
  if (parts_->state == State::kHandshaking) parts_->shake_hands();
  if (parts_->state == State::kOpen) parts_->read(plain);
  parts_->pipe = {};
  return parts_->state;
}

void TlsChannel::send(Bytes plain, std::vector<std::uint8_t>& out) {
  assert(may_send());
  parts_->pipe.outgoing = &out;
  while (!plain.empty() && parts_->state != State::kFailed) {
    ERR_clear_error();
    const int size =
        SSL_write(parts_->ssl.get(), plain.data(), static_cast<int>(std::min(plain.size(), kMaxRecord)));
    if (size <= 0) {
      parts_->fail();
      break;
    }
    plain = plain.subspan(static_cast<std::size_t>(size));
  }
  parts_->pipe = {};
}

void TlsChannel::close(std::vector<std::uint8_t>& out) {
  if (parts_->state != State::kOpen && parts_->state != State::kClosed) return;
  parts_->pipe.outgoing = &out;
  SSL_shutdown(parts_->ssl.get());
  ERR_clear_error();
  parts_->pipe = {};
  parts_->state = State::kClosed;
  parts_->has_closed = true;
}

bool TlsChannel::may_send() const noexcept {
  return parts_->state == State::kOpen || (parts_->state == State::kClosed && !parts_->has_closed);
}

TlsChannel::State TlsChannel::state() const noexcept { return parts_->state; }

bool TlsChannel::met_plain_http() const noexcept { return parts_->met_plain_http; }

std::string_view TlsChannel::failure() const noexcept { return parts_->failure; }

}  // namespace wgr::ws
