#include "ws/connection.h"

#include <array>
#include <chrono>
#include <string>

#include "gtest/gtest.h"

namespace wgr::ws {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kKey =
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// One connection from the loopback, and a client's end of its WebSocket.
class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    ListenerConfig listener;
    listener.routes = {{"/", Service::kEthernet, "lan"},
                       {"/wg", Service::kWireGuard, ""},
                       {"/dns-query", Service::kDns, ""}};
    config_.listeners = {listener};
  }

  Connection& open(bool is_tls = false) {
    const auto config = std::make_shared<const Config>(config_);
    limits_.set_limits(config->limits);
    identity_.arrival.is_tls = is_tls;
    EXPECT_EQ(limits_.connection_accepted(identity_.arrival.peer.ip, now_), SourceLimits::Verdict::kAccepted);
    connection_ = std::make_unique<Connection>(identity_, std::make_shared<const Profile>(config),
                                               Connection::Shared{pool_, rng_, limits_, counters_}, now_);
    return *connection_;
  }

  void receive(std::string_view text) {
    input_ = bytes_of(text);
    out_.clear();
    connection_->receive(input_, now_, out_);
    payloads_.clear();
    for (const MutableBytes payload : out_.payloads) payloads_.push_back(text_of(payload));
    connection_->end_turn();
  }
  void get(std::string_view path, std::string_view headers = "") {
    receive("GET " + std::string{path} + " HTTP/1.1\r\nHost: localhost\r\n" + std::string{headers} + "\r\n");
  }
  void upgrade(std::string_view path = "/", std::string_view headers = "") {
    get(path, "Connection: Upgrade\r\nUpgrade: websocket\r\n" + std::string{kKey} + std::string{headers});
  }

  // Everything the connection wants written.
  std::string take_output(std::size_t most = ~std::size_t{0}) {
    std::string output;
    std::array<Bytes, 8> pieces;
    while (connection_->has_output() && output.size() < most) {
      const std::size_t count = connection_->pending(pieces);
      for (const Bytes piece : std::span{pieces}.first(count)) {
        const Bytes taken = piece.first(std::min(piece.size(), most - output.size()));
        output += text_of(taken);
      }
      connection_->consume(std::min(output.size(), most));
      if (most != ~std::size_t{0}) break;
    }
    connection_->note_write(!output.empty(), connection_->has_output(), now_);
    return output;
  }

  // The client's end after the upgrade.
  void send_message(std::string_view text, MessageKind kind = MessageKind::kBinary) {
    ASSERT_TRUE(client_.send(kind, bytes_of(text)));
    std::array<Bytes, 4> pieces;
    std::string wire;
    while (!client_.queue().empty()) {
      const std::size_t count = client_.queue().pending(pieces);
      std::size_t size = 0;
      for (const Bytes piece : std::span{pieces}.first(count)) {
        wire += text_of(piece);
        size += piece.size();
      }
      client_.queue().consume(size);
    }
    receive(wire);
  }
  std::vector<std::string> received_messages() {
    std::string output = take_output();
    const std::size_t end = output.find("\r\n\r\n");
    if (output.starts_with("HTTP/1.1 101")) output.erase(0, end + 4);
    std::vector<std::uint8_t> bytes = bytes_of(output);
    std::vector<Message> messages;
    client_.receive(bytes, now_, messages);
    std::vector<std::string> texts;
    for (const Message& message : messages) texts.push_back(text_of(message.bytes));
    return texts;
  }

  // Time passes, and the connection is woken whenever it wants to be.
  void advance(Duration by) {
    const Instant until = now_ + by;
    while (connection_->next_deadline() <= until) {
      now_ = std::max(now_, connection_->next_deadline());
      connection_->on_deadline(now_);
    }
    now_ = until;
  }

  Config config_;
  Instant now_{1h};
  ChunkPool pool_;
  Rng rng_{/*seed=*/1};
  Counters counters_;
  SourceLimits limits_{Limits{}};
  Connection::Identity identity_{.id = SessionId{0, 1},
                                 .arrival = {.peer = SocketAddress::parse("127.0.0.1:50000").value(),
                                             .local = SocketAddress::parse("127.0.0.1:8086").value(),
                                             .is_tls = false},
                                 .listener = 0,
                                 .counts_half_open = true};
  std::vector<std::uint8_t> input_;
  Connection::Out out_;
  std::vector<std::string> payloads_;
  std::unique_ptr<Connection> connection_;
  WebSocket::Settings client_settings_{
      .message_bytes = 1 << 20, .queue_bytes = 1 << 22, .accepts_text = true};
  WebSocket client_{Role::kClient, client_settings_, pool_, rng_, now_};
};

TEST_F(ConnectionTest, UpgradesAndCarriesMessages) {
  open();
  upgrade();
  EXPECT_TRUE(out_.is_opened);
  EXPECT_TRUE(connection_->is_session());
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(limits_.sessions(), 1u);
  EXPECT_TRUE(received_messages().empty());

  send_message("a frame of 14+");
  EXPECT_EQ(payloads_, std::vector<std::string>{"a frame of 14+"});
  EXPECT_TRUE(connection_->send(bytes_of("an answer")));
  EXPECT_EQ(received_messages(), std::vector<std::string>{"an answer"});
  connection_.reset();
  EXPECT_EQ(limits_.sessions(), 0u);
  EXPECT_EQ(counters_.ethernet.sessions.value(), 0);
}

// A client need not wait for the 101.
TEST_F(ConnectionTest, MessagesRightBehindTheRequestAreNotLost) {
  open();
  receive("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          std::string{kKey} + "\r\n" + std::string{"\x82\x82\x00\x00\x00\x00hi", 8});
  EXPECT_TRUE(out_.is_opened);
  EXPECT_EQ(payloads_, std::vector<std::string>{"hi"});
}

TEST_F(ConnectionTest, AnyCutOfTheRequestWillDo) {
  open();
  const std::string request =
      "GET /wg HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      std::string{kKey} + "\r\n";
  for (const char c : request) {
    EXPECT_FALSE(connection_->is_session());
    receive({&c, 1});
  }
  EXPECT_TRUE(connection_->is_session());
  EXPECT_EQ(connection_->info().service, Service::kWireGuard);
}

// container2wasm: frames behind their lengths, cut anywhere.
TEST_F(ConnectionTest, SpeaksQemusStreamWhereItIsAskedTo) {
  open();
  upgrade("/", "Sec-WebSocket-Protocol: binary\r\n");
  EXPECT_NE(take_output().find("Sec-WebSocket-Protocol: binary"), std::string::npos);
  send_message(std::string{"\0\0\0\x03", 4});
  EXPECT_TRUE(payloads_.empty());
  send_message(std::string{"abc\0\0\0\2de", 9});
  EXPECT_EQ(payloads_, (std::vector<std::string>{"abc", "de"}));

  connection_->send(bytes_of("xyz"));
  EXPECT_EQ(received_messages(), (std::vector<std::string>{std::string{"\0\0\0\3xyz", 7}}));

  send_message(std::string{"\0\1\xff\xff", 4});
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kProtocolError);
}

// JSLinux and jor1k.
TEST_F(ConnectionTest, AnswersPingsOfText) {
  open();
  upgrade();
  send_message("ping:42", MessageKind::kText);
  EXPECT_TRUE(payloads_.empty());
  EXPECT_EQ(received_messages(), std::vector<std::string>{"pong:42"});
}

TEST_F(ConnectionTest, TextThatSaysNothingToTheServiceIsIgnored) {
  for (const char* path : {"/", "/wg"}) {
    SCOPED_TRACE(path);
    open();
    upgrade(path);
    send_message("hello", MessageKind::kText);
    EXPECT_TRUE(payloads_.empty());
    EXPECT_TRUE(received_messages().empty());
    EXPECT_TRUE(connection_->is_session());
    send_message("datagram");
    EXPECT_EQ(payloads_, std::vector<std::string>{"datagram"});
  }
  send_message("ping:42", MessageKind::kText);  // for stations only
  EXPECT_TRUE(received_messages().empty());
  EXPECT_EQ(counters_.ethernet.messages_ignored.value(), 1u);
  EXPECT_EQ(counters_.wireguard.messages_ignored.value(), 2u);
}

TEST_F(ConnectionTest, ATunnelToElsewhereIsToldSoByACloseCode) {
  config_.tunnels.port = 51820;
  open();
  // {"p":"Udp","r":"a.example","rp":53}
  upgrade("/v1/events",
          "Origin: http://localhost\r\nSec-WebSocket-Protocol: v1, "
          "authorization.bearer.e30.eyJwIjoiVWRwIiwiciI6ImEuZXhhbXBsZSIsInJwIjo1M30.e30\r\n");
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kRefused);
  EXPECT_EQ(counters_.refused_tunnel.value(), 1u);
  EXPECT_FALSE(out_.is_opened);
}

TEST_F(ConnectionTest, OnlyATunnelMayLeaveItsFramesUnmasked) {
  const std::string_view bare =
      "\x82\x08"
      "datagram";  // a whole binary message
  open();
  upgrade("/v1/events", "Sec-WebSocket-Protocol: v1, authorization.bearer.e30.e30.e30\r\n");
  take_output();
  receive(bare);
  EXPECT_EQ(payloads_, std::vector<std::string>{"datagram"});

  open();
  upgrade("/wg");
  take_output();
  receive(bare);
  EXPECT_TRUE(payloads_.empty());
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kProtocolError);
}

TEST_F(ConnectionTest, IsHeardAtMostOnceASecond) {
  open();
  upgrade();
  send_message("1");
  EXPECT_FALSE(out_.is_heard);
  now_ += 1s;
  send_message("2");
  EXPECT_TRUE(out_.is_heard);
  send_message("3");
  EXPECT_FALSE(out_.is_heard);
}

TEST_F(ConnectionTest, WhoSaysNothingIsDisconnected) {
  open();
  advance(5s - 1ns);
  EXPECT_FALSE(connection_->is_ended());
  advance(1ns);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(counters_.refused_handshake.value(), 1u);
}

// Slow-loris: a byte now and then does not buy time.
TEST_F(ConnectionTest, ARequestInDribletsIsTimedOut) {
  open();
  receive("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 4; ++i) {
    advance(1s);
    receive("X-A: b\r\n");
  }
  advance(1s);
  EXPECT_TRUE(take_output().starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(connection_->is_ending());
  advance(1min);
  EXPECT_TRUE(connection_->is_ended());
}

TEST_F(ConnectionTest, PlainHttpWhereTlsIsSpokenIsToldSo) {
  open(/*is_tls=*/true);
  connection_->met_plain_http(now_);
  EXPECT_TRUE(connection_->is_ending());
  const std::string answer = take_output();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << answer;
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\n\r\nthis port speaks TLS: use https://"), std::string::npos) << answer;
  EXPECT_EQ(counters_.refused_plain_http.value(), 1u);
  EXPECT_EQ(counters_.refused_tls.value(), 0u);
  receive("more of the request");  // read and thrown away, lest the answer is lost with a reset
  EXPECT_FALSE(connection_->is_ended());
  advance(config_.limits.close_timeout);
  EXPECT_TRUE(connection_->is_ended());
}

TEST_F(ConnectionTest, TlsHasADeadlineOfItsOwn) {
  open(/*is_tls=*/true);
  advance(5s);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(counters_.refused_tls.value(), 1u);

  open(/*is_tls=*/true);
  advance(4s);
  connection_->tls_opened(now_);
  advance(5s - 1ns);
  EXPECT_FALSE(connection_->is_ended());
  advance(1ns);
  EXPECT_TRUE(connection_->is_ended());
}

TEST_F(ConnectionTest, WhatIsTooLongOrMalformedIsAnsweredAndEnded) {
  const struct {
    std::string request;
    const char* expected;
  } kCases[] = {
      {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", "HTTP/1.1 431"},
      {"POST /dns-query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n", "HTTP/1.1 413"},
      {"POST /dns-query HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 501"},
      {"\x16\x03\x01\r\n\r\n", "HTTP/1.1 400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 "},
  };
  for (const auto& c : kCases) {
    open();
    receive(c.request);
    const std::string answer = take_output();
    EXPECT_TRUE(answer.starts_with(c.expected)) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(connection_->is_ending());
    advance(1min);
    EXPECT_TRUE(connection_->is_ended());
    EXPECT_EQ(limits_.half_open(), 0u);
  }
}

TEST_F(ConnectionTest, KeepsAliveBetweenRequestsForAWhile) {
  open();
  for (int i = 0; i < 3; ++i) {
    get("/");
    EXPECT_TRUE(take_output().starts_with("HTTP/1.1 200"));
    advance(29s);
  }
  EXPECT_FALSE(connection_->is_ending());
  advance(1s);
  EXPECT_TRUE(connection_->is_ending());
  EXPECT_EQ(counters_.requests.value(), 3u);
}

// A source cannot gather connections by asking for the page on each.
TEST_F(ConnectionTest, AConnectionIsCountedFromItsFirstByteToItsLast) {
  config_.limits.kept_alive_per_source = 1;
  open();
  get("/");
  EXPECT_NE(take_output().find("Connection: keep-alive"), std::string::npos);
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(limits_.kept_alive(), 1u);
  const auto kept = std::move(connection_);

  open();
  get("/");
  EXPECT_NE(take_output().find("Connection: close"), std::string::npos);
  EXPECT_TRUE(connection_->is_ending());
  EXPECT_EQ(limits_.half_open(), 1u);
  connection_->input_ended(now_);
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(counters_.refused_handshake.value(), 0u);

  kept->lost();
  EXPECT_EQ(limits_.kept_alive(), 0u);
}

TEST_F(ConnectionTest, AKeptConnectionThatIsUpgradedIsASessionOnly) {
  open();
  get("/");
  take_output();
  upgrade();
  EXPECT_TRUE(connection_->is_session());
  EXPECT_EQ(limits_.kept_alive(), 0u);
  EXPECT_EQ(limits_.half_open(), 0u);
}

TEST_F(ConnectionTest, WhoWaitsForAHandlerOrIsRefusedIsHalfOpen) {
  open();
  get("/dns-query");
  EXPECT_EQ(limits_.half_open(), 1u);
  connection_.reset();
  EXPECT_EQ(limits_.half_open(), 0u);

  config_.listeners[0].tokens = {{"alice", "SECRET", {}}};
  open();
  upgrade();
  EXPECT_EQ(limits_.half_open(), 1u);
  take_output();
  advance(1min);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(limits_.half_open(), 0u);
}

// The connections of a proxy are counted for nobody; the sessions it brings are their clients'.
TEST_F(ConnectionTest, NewSessionsBehindAProxyAreLimitedByClient) {
  config_.trusted_proxies = {Prefix::parse("127.0.0.0/8").value()};
  config_.limits.handshake_burst = 2;
  identity_.counts_half_open = false;
  const auto come = [&](const std::string& client) {
    connection_.reset();
    const auto config = std::make_shared<const Config>(config_);
    limits_.set_limits(config->limits);
    connection_ = std::make_unique<Connection>(identity_, std::make_shared<const Profile>(config),
                                               Connection::Shared{pool_, rng_, limits_, counters_}, now_);
    upgrade("/", "Origin: http://localhost\r\nX-Forwarded-For: " + client + "\r\n");
    return connection_->is_session();
  };
  EXPECT_TRUE(come("192.0.2.1"));
  EXPECT_TRUE(come("192.0.2.1"));
  EXPECT_FALSE(come("192.0.2.1"));
  EXPECT_EQ(counters_.refused_rate.value(), 1u);
  EXPECT_TRUE(come("192.0.2.2"));
}

TEST_F(ConnectionTest, ARefusedPageIsToldToTheLog) {
  open();
  upgrade("/", "Origin: https://copy.sh\r\n");
  EXPECT_NE(out_.refused.find("https://copy.sh"), std::string::npos);
  EXPECT_EQ(counters_.refused_origin.value(), 1u);

  open();
  get("/dns-query", "Origin: https://copy.sh\r\n");
  EXPECT_NE(out_.refused.find("https://copy.sh"), std::string::npos);
  EXPECT_TRUE(take_output().starts_with("HTTP/1.1 403"));
  EXPECT_EQ(counters_.refused_origin.value(), 2u);
}

// RFC 9110 7.8
TEST_F(ConnectionTest, AskingForAnUpgradeSaysSoToTheNextHop) {
  open();
  get("/wg");
  std::string answer = take_output();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426")) << answer;
  EXPECT_NE(answer.find("Connection: keep-alive, Upgrade\r\n"), std::string::npos) << answer;

  open();
  get("/wg", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n");
  answer = take_output();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426")) << answer;
  EXPECT_NE(answer.find("Connection: close, Upgrade\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Upgrade: websocket\r\n"), std::string::npos) << answer;
}

TEST_F(ConnectionTest, ALaterRequestInDribletsIsTimedOutToo) {
  open();
  get("/");
  take_output();
  advance(20s);
  receive("GET /");
  advance(5s);
  EXPECT_TRUE(take_output().starts_with("HTTP/1.1 408"));
}

TEST_F(ConnectionTest, PipelinedRequestsAreNotServed) {
  open();
  receive("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string answer = take_output();
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_EQ(counters_.requests.value(), 1u);
  EXPECT_TRUE(connection_->is_ending());

  open();
  get("/dns-query");
  get("/dns-query");
  connection_->respond(connection_->request_number(), {.body = "one"}, now_);
  EXPECT_TRUE(take_output().ends_with("one"));
  EXPECT_TRUE(connection_->is_ending());
}

TEST_F(ConnectionTest, AHandlerThatSaysNothingIsAnsweredFor) {
  open();
  get("/dns-query?dns=AAAA");
  ASSERT_TRUE(out_.request.has_value());
  EXPECT_EQ(out_.request->path, "/dns-query");
  EXPECT_EQ(out_.request->query, "dns=AAAA");
  advance(10s);
  EXPECT_TRUE(take_output().starts_with("HTTP/1.1 504"));
  connection_->respond(connection_->request_number(), {.body = "late"}, now_);
  EXPECT_EQ(take_output(), "");
}

TEST_F(ConnectionTest, AHandlerSeesThePathWithoutTheToken) {
  config_.listeners[0].tokens = {{"alice", "SECRET", {}}};
  open();
  get("/SECRET/dns-query");
  ASSERT_TRUE(out_.request.has_value());
  EXPECT_EQ(out_.request->path, "/dns-query");
}

TEST_F(ConnectionTest, HeadHasNoBodyAndAllowNamesTheMethods) {
  open();
  receive("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(take_output().ends_with("\r\n\r\n"));
  receive("PUT /dns-query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  const std::string answer = take_output();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405"));
  EXPECT_NE(answer.find("Allow: GET,HEAD,POST,OPTIONS"), std::string::npos);
}

TEST_F(ConnectionTest, AClientThatHasAskedMayStopSending) {
  open();
  get("/dns-query");
  connection_->input_ended(now_);
  EXPECT_FALSE(connection_->is_ended());
  connection_->respond(connection_->request_number(), {.body = "one"}, now_);
  EXPECT_TRUE(take_output().ends_with("one"));
}

TEST_F(ConnectionTest, ASilentSessionIsPingedAndThenDead) {
  open();
  upgrade();
  take_output();
  advance(30s);
  EXPECT_EQ(take_output(), std::string("\x89\0", 2));
  advance(30s);
  EXPECT_EQ(take_output(), std::string("\x89\0", 2));
  EXPECT_FALSE(connection_->is_ended());
  advance(30s);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(counters_.closed_dead.value(), 1u);
  EXPECT_EQ(counters_.pings_sent.value(), 2u);
  EXPECT_EQ(limits_.sessions(), 0u);
}

TEST_F(ConnectionTest, AStalledReaderCostsItsBoundAndThenItsSession) {
  config_.limits.queue_bytes = 10'000;
  open();
  upgrade();
  take_output();
  const std::vector<std::uint8_t> frame(1000);
  for (int i = 0; i < 100; ++i) connection_->send(frame);
  EXPECT_LE(connection_->queued_bytes(), 10'000u);
  EXPECT_GE(counters_.ethernet.messages_dropped.value(), 90u);
  EXPECT_EQ(counters_.queued_bytes.value(), static_cast<std::int64_t>(connection_->queued_bytes()));

  connection_->note_write(/*has_progress=*/false, /*is_blocked=*/true, now_);
  advance(9s);
  take_output(/*most=*/1);  // one byte moves: it lives
  advance(9s);
  EXPECT_FALSE(connection_->is_ended());
  advance(1s);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(counters_.closed_stalled.value(), 1u);
  EXPECT_EQ(counters_.queued_bytes.value(), 0);
}

TEST_F(ConnectionTest, AMessageTooLongEndsTheSession) {
  open();
  upgrade();
  send_message(std::string(70'000, 'x'));
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kTooBig);
  EXPECT_TRUE(payloads_.empty());
  EXPECT_EQ(counters_.closed_protocol_error.value(), 1u);
}

TEST_F(ConnectionTest, DrainSaysGoingAway) {
  open();
  upgrade();
  connection_->drain(now_);
  EXPECT_FALSE(connection_->is_session());
  EXPECT_FALSE(connection_->send(bytes_of("late")));
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kGoingAway);
  advance(2s);
  EXPECT_TRUE(connection_->is_ending() || connection_->is_ended());
  EXPECT_EQ(counters_.closed_by_us.value(), 1u);
}

TEST_F(ConnectionTest, DrainLetsARequestFinish) {
  open();
  receive("GET / HTTP/1.1\r\n");
  connection_->drain(now_);
  receive("Host: localhost\r\n\r\n");
  EXPECT_NE(take_output().find("Connection: close"), std::string::npos);

  open();
  connection_->drain(now_);
  EXPECT_TRUE(connection_->is_ending());
}

TEST_F(ConnectionTest, TooManySessionsAreToldToTryLater) {
  config_.limits.sessions_per_source = 1;
  open();
  ASSERT_EQ(limits_.session_began(identity_.arrival.peer.ip, now_), SourceLimits::Verdict::kAccepted);
  upgrade();
  EXPECT_FALSE(out_.is_opened);
  EXPECT_FALSE(connection_->was_session());
  // The Close frame is in the figures at once.
  EXPECT_EQ(counters_.queued_bytes.value(), static_cast<std::int64_t>(connection_->queued_bytes()));
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kTryAgainLater);
  EXPECT_EQ(counters_.refused_sessions.value(), 1u);
}

}  // namespace
}  // namespace wgr::ws
