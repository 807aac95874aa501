#include "ws/tls.h"

#include <openssl/mem.h>
#include <openssl/ssl.h>

#include <string>

#include "gtest/gtest.h"

#include "certificates.h"
#include "core/rng.h"

namespace wgr::ws {
namespace {

using Buffer = std::vector<std::uint8_t>;
using State = TlsChannel::State;

Buffer bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// Both ends in one memory, with what is under way between them.
struct Pair {
  Pair(const std::shared_ptr<const TlsContext>& server_context,
       const std::shared_ptr<const TlsContext>& client_context, std::string_view host = "localhost")
      : server(TlsChannel::accept(server_context)), client(TlsChannel::connect(client_context, host)) {
    client->start(to_server);
  }

  // Carries everything, in pieces of at most `piece` bytes.
  void carry(std::size_t piece = 1 << 20) {
    while (!to_server.empty() || !to_client.empty()) {
      Buffer bytes = take(to_server, piece);
      if (!bytes.empty()) server->receive(bytes, at_server, to_client);
      bytes = take(to_client, piece);
      if (!bytes.empty()) client->receive(bytes, at_client, to_server);
    }
  }
  static Buffer take(Buffer& from, std::size_t piece) {
    const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(piece, from.size()));
    Buffer taken{from.begin(), end};
    from.erase(from.begin(), end);
    return taken;
  }

  std::unique_ptr<TlsChannel> server;
  std::unique_ptr<TlsChannel> client;
  Buffer to_server, to_client;  // on the wire
  Buffer at_server, at_client;  // plaintext that has arrived
};

class TlsTest : public testing::Test {
 protected:
  static std::string failure_of(const TlsFiles& files) {
    try {
      TlsContext::for_server(files);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  }

  CertificateFolder folder_;
  TlsFiles files_ = folder_.make();
  std::shared_ptr<const TlsContext> server_ = TlsContext::for_server(files_);
  std::shared_ptr<const TlsContext> client_ = TlsContext::for_client(files_.certificate, /*verify=*/true);
};

TEST_F(TlsTest, BothEndsTalkInPiecesOfAnySize) {
  for (const std::size_t piece : {1u, 2u, 5u, 7u, 100u, 1460u, 1u << 20}) {
    Pair pair{server_, client_};
    pair.carry(piece);
    ASSERT_EQ(pair.server->state(), State::kOpen) << pair.server->failure();
    ASSERT_EQ(pair.client->state(), State::kOpen) << pair.client->failure();

    pair.client->send(bytes_of("hello"), pair.to_server);
    pair.server->send(bytes_of("good day"), pair.to_client);
    pair.carry(piece);
    EXPECT_EQ(pair.at_server, bytes_of("hello"));
    EXPECT_EQ(pair.at_client, bytes_of("good day"));
  }
}

TEST_F(TlsTest, MoreThanARecordArrivesWhole) {
  Pair pair{server_, client_};
  pair.carry();
  Buffer sent(100'000);
  Rng rng{/*seed=*/1};
  for (std::uint8_t& byte : sent) byte = static_cast<std::uint8_t>(rng());
  pair.client->send(sent, pair.to_server);
  pair.server->send(sent, pair.to_client);
  pair.carry(4000);
  EXPECT_EQ(pair.at_server, sent);
  EXPECT_EQ(pair.at_client, sent);
}

TEST_F(TlsTest, TheEndIsTold) {
  Pair pair{server_, client_};
  pair.carry();
  pair.client->close(pair.to_server);
  pair.carry();
  EXPECT_EQ(pair.server->state(), State::kClosed);
  EXPECT_EQ(pair.server->failure(), "");
}

TEST_F(TlsTest, NoiseFailsWithAReason) {
  const auto server = TlsChannel::accept(server_);
  Buffer plain, out;
  EXPECT_EQ(server->receive(bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), plain, out), State::kFailed);
  EXPECT_EQ(server->failure(), "HTTP_REQUEST");
  EXPECT_TRUE(server->met_plain_http());
  EXPECT_TRUE(plain.empty());
}

TEST_F(TlsTest, ChangedBytesFail) {
  Pair pair{server_, client_};
  pair.carry();
  pair.client->send(bytes_of("hello"), pair.to_server);
  pair.to_server.back() ^= 1;
  pair.carry();
  EXPECT_EQ(pair.server->state(), State::kFailed);
  EXPECT_TRUE(pair.at_server.empty());
}

TEST_F(TlsTest, AClientRefusesWhomItCannotVerify) {
  const TlsFiles expired = folder_.make({.valid_from = -7200, .valid_until = -3600});
  const TlsFiles stranger = folder_.make();
  const TlsFiles address = folder_.make({.name = "127.0.0.1"});
  const struct {
    TlsFiles server;
    std::string trusted;
    const char* host;
    const char* expected;
  } kCases[] = {
      {files_, files_.certificate, "localhost", ""},
      {files_, files_.certificate, "example.org", "certificate: Hostname mismatch"},
      {files_, files_.certificate, "127.0.0.1", "certificate: IP address mismatch"},
      {address, address.certificate, "127.0.0.1", ""},
      {address, address.certificate, "[::1]", "certificate: IP address mismatch"},
      {expired, expired.certificate, "localhost", "certificate: certificate has expired"},
      {stranger, files_.certificate, "localhost", "certificate: "},
      {stranger, "", "localhost", "certificate: self signed certificate"},
  };
  for (const auto& c : kCases) {
    Pair pair{TlsContext::for_server(c.server), TlsContext::for_client(c.trusted, /*verify=*/true), c.host};
    pair.carry();
    const std::string failure{pair.client->failure()};
    EXPECT_EQ(failure.substr(
                  0, std::max<std::size_t>(std::string_view{c.expected}.size(), failure.empty() ? 0 : 1)),
              c.expected)
        << c.host << ": " << failure;
    EXPECT_EQ(pair.client->state(), failure.empty() ? State::kOpen : State::kFailed);
    EXPECT_EQ(pair.server->state(), failure.empty() ? State::kOpen : State::kFailed);
  }
}

TEST_F(TlsTest, AClientMayBeToldNotToVerify) {
  Pair pair{server_, TlsContext::for_client("", /*verify=*/false), "example.org"};
  pair.carry();
  EXPECT_EQ(pair.client->state(), State::kOpen) << pair.client->failure();
}

TEST_F(TlsTest, BadFilesAreToldByNameAndFault) {
  const TlsFiles other = folder_.make();
  const TlsFiles secret = folder_.make({.passphrase = "open sesame"});
  const std::string nonsense = folder_.write("nonsense.pem", "nothing of use\n");

  EXPECT_EQ(failure_of({"/nonexistent/c.pem", files_.private_key, ""}),
            "cannot read the certificate /nonexistent/c.pem: No such file or directory");
  EXPECT_EQ(failure_of({files_.certificate, "/nonexistent/k.pem", ""}),
            "cannot read the private key /nonexistent/k.pem: No such file or directory");
  EXPECT_EQ(
      failure_of({files_.certificate, other.private_key, ""}),
      "the private key " + other.private_key + " does not belong to the certificate " + files_.certificate);
  EXPECT_TRUE(failure_of({nonsense, files_.private_key, ""}).starts_with(nonsense + " holds no certificate"));
  EXPECT_TRUE(failure_of({files_.certificate, nonsense, ""}).starts_with(nonsense + " holds no private key"));
  EXPECT_EQ(failure_of(secret), "none");
  EXPECT_EQ(failure_of({secret.certificate, secret.private_key, ""}),
            "the private key " + secret.private_key + " is encrypted and needs a passphrase");
  EXPECT_EQ(failure_of({secret.certificate, secret.private_key, "wrong"}),
            "the passphrase does not open the private key " + secret.private_key);
  EXPECT_EQ(
      failure_of({files_.certificate, secret.private_key, secret.passphrase}),
      "the private key " + secret.private_key + " does not belong to the certificate " + files_.certificate);
}

// What other stacks offer, by BoringSSL itself as a client.
class TlsOfferTest : public TlsTest {
 protected:
  // The failure of our server, or the version and protocol agreed on.
  std::string outcome(std::uint16_t version, const Buffer& protocols) {
    SSL_CTX* const context = SSL_CTX_new(TLS_method());
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_alpn_protos(context, protocols.data(), protocols.size());
    SSL* const client = SSL_new(context);
    BIO* const to_client = BIO_new(BIO_s_mem());
    BIO* const to_server = BIO_new(BIO_s_mem());
    SSL_set_bio(client, to_client, to_server);
    SSL_set_connect_state(client);

    const auto server = TlsChannel::accept(server_);
    Buffer plain, out;
    for (int i = 0; i < 8; ++i) {
      SSL_do_handshake(client);
      Buffer hello(BIO_pending(to_server));
      if (hello.empty()) break;
      BIO_read(to_server, hello.data(), static_cast<int>(hello.size()));
      server->receive(hello, plain, out);
      BIO_write(to_client, out.data(), static_cast<int>(out.size()));
      out.clear();
    }
    const std::uint8_t* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client, &protocol, &size);
    std::string result = server->state() == State::kOpen ? std::string{SSL_get_version(client)} + " " +
                                                               std::string{protocol, protocol + size}
                                                         : std::string{server->failure()};
    SSL_free(client);
    SSL_CTX_free(context);
    return result;
  }
};

TEST_F(TlsOfferTest, VersionAndProtocol) {
  const Buffer http11 = bytes_of("\x08http/1.1");
  const Buffer both = bytes_of("\x02h2\x08http/1.1");
  const Buffer http2 = bytes_of("\x02h2");
  EXPECT_EQ(outcome(TLS1_3_VERSION, http11), "TLSv1.3 http/1.1");
  EXPECT_EQ(outcome(TLS1_3_VERSION, both), "TLSv1.3 http/1.1");
  EXPECT_EQ(outcome(TLS1_3_VERSION, {}), "TLSv1.3 ");
  EXPECT_EQ(outcome(TLS1_2_VERSION, both), "TLSv1.2 http/1.1");
  EXPECT_EQ(outcome(TLS1_1_VERSION, both), "UNSUPPORTED_PROTOCOL");
  EXPECT_EQ(outcome(TLS1_3_VERSION, http2), "NO_APPLICATION_PROTOCOL");
}

}  // namespace
}  // namespace wgr::ws
