// The HTTP probe over TLS, against a server in memory.
#include "gtest/gtest.h"

#include "cmd/probe.h"
#include "tests/support/sim_sockets.h"
#include "tests/ws/certificates.h"

namespace wgr {
namespace {

const SocketAddress kWeb = SocketAddress::parse("198.51.100.80:443").value();

class HttpsProbeTest : public testing::Test {
 protected:
  HttpsProbeTest() {
    egress::Policy::Settings settings;
    std::string error;
    settings.global.allow = {egress::Rule::parse("198.51.100.0/24", error).value()};
    policy_ = std::make_unique<egress::Policy>(settings);
    internet_.listen(kWeb).on_accept = [this](sim::RemoteStream& stream) { serve(stream); };
  }

  // Answers the first plaintext with a page.
  void serve(sim::RemoteStream& stream) {
    channel_ = ws::TlsChannel::accept(server_);
    stream.on_data = [this](sim::RemoteStream& from, Bytes bytes) {
      std::vector<std::uint8_t> out;
      channel_->receive(bytes, request_, out);
      if (!request_.empty()) channel_->send(sim::bytes_of("HTTP/1.1 200 OK\r\n\r\n"), out);
      if (!out.empty()) from.send(out);
    };
  }

  ProbeOutcome ask(const std::string& host, const ws::TlsFiles& trusted) {
    HttpUrl url{.is_tls = true, .host = host, .port = 443, .target = "/up"};
    HttpProbe probe{url, sockets_, 1, ws::TlsContext::for_client(trusted.certificate, /*verify=*/true)};
    const std::vector<IpAddress> addresses{kWeb.ip};
    std::optional<ProbeOutcome> outcome = probe.start(addresses, *policy_);
    for (bool more = true; more && !outcome;) {
      internet_.run_until(internet_.now());
      const auto news = sockets_.take_ready();
      more = !news.empty();
      for (const auto& [token, ready] : news) {
        if (!outcome) outcome = probe.socket_ready(ready);
      }
    }
    return outcome.value_or(ProbeOutcome{false, "nothing happened"});
  }

  sim::Internet internet_;
  sim::SimSockets sockets_{internet_};
  std::unique_ptr<egress::Policy> policy_;
  ws::CertificateFolder folder_;
  ws::TlsFiles files_ = folder_.make({.name = "example.com"});
  std::shared_ptr<const ws::TlsContext> server_ = ws::TlsContext::for_server(files_);
  std::unique_ptr<ws::TlsChannel> channel_;
  std::vector<std::uint8_t> request_;  // as the server reads it
};

TEST_F(HttpsProbeTest, PageBehindTlsIsGood) {
  const ProbeOutcome outcome = ask("example.com", files_);

  EXPECT_TRUE(outcome.is_good) << outcome.detail;
  EXPECT_EQ(outcome.detail, "answered 200");
  EXPECT_TRUE(std::string(request_.begin(), request_.end()).starts_with("GET /up HTTP/1.1\r\n"));
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(HttpsProbeTest, CertificateOfAnotherNameIsBad) {
  const ProbeOutcome outcome = ask("example.org", files_);

  EXPECT_FALSE(outcome.is_good);
  EXPECT_TRUE(outcome.detail.starts_with("TLS: ")) << outcome.detail;
  EXPECT_TRUE(request_.empty());
}

TEST_F(HttpsProbeTest, CertificateOfAStrangerIsBad) {
  EXPECT_FALSE(ask("example.com", folder_.make({.name = "example.com"})).is_good);
  EXPECT_TRUE(request_.empty());
}

}  // namespace
}  // namespace wgr
