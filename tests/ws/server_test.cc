#include "ws/server.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>

#include "server_world.h"

namespace wgr::ws {
namespace {

// The descriptor of this process that listens there.
void shutdown_listener(const SocketAddress& address) {
  for (int descriptor = 3; descriptor < 1024; ++descriptor) {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &length) != 0) continue;
    if (io::from_sockaddr(name, length) != address) continue;
    ASSERT_EQ(shutdown(descriptor, SHUT_RDWR), 0);
    return;
  }
  FAIL() << "nobody listens on " << address.to_string();
}

using namespace std::chrono_literals;

TEST_F(ServerTest, EchoesMessagesOfASession) {
  start();
  TestClient& client = connect_upgraded();
  ASSERT_EQ(sink.sessions.size(), 1u);
  EXPECT_EQ(sink.sessions.begin()->second.service, Service::kEthernet);
  EXPECT_EQ(sink.sessions.begin()->second.network, "lan");
  EXPECT_EQ(sink.sessions.begin()->second.source.ip, IpAddress::v4(127, 0, 0, 1));

  client.send_message("first");
  client.send_message(std::string(60'000, 'x'));
  ASSERT_TRUE(run_until([&] { return client.messages.size() == 2; }));
  EXPECT_EQ(client.messages[0], "first");
  EXPECT_EQ(client.messages[1], std::string(60'000, 'x'));
  EXPECT_EQ(server->counters().ethernet.messages_received.value(), 2u);
  EXPECT_EQ(server->counters().ethernet.messages_sent.value(), 2u);
  EXPECT_EQ(server->counters().queued_bytes.value(), 0);
}

TEST_F(ServerTest, ABatchOfMessagesIsHandedOverAtOnce) {
  start();
  TestClient& client = connect_upgraded("/wg");
  for (int i = 0; i < 100; ++i) client.websocket->send(MessageKind::kBinary, Bytes{});
  for (int i = 0; i < 100; ++i) {
    const std::vector<std::uint8_t> datagram(148, static_cast<std::uint8_t>(i));
    client.websocket->send(MessageKind::kBinary, datagram);
  }
  ASSERT_TRUE(run_until([&] { return client.messages.size() >= 100; }));
  EXPECT_LT(sink.batches, 20u);
}

TEST_F(ServerTest, ServesThePageAndHandlers) {
  start();
  TestClient& client = connect();
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return client.text.find("</html>") != std::string::npos; }));
  EXPECT_TRUE(client.text.starts_with("HTTP/1.1 200"));

  client.text.clear();
  client.send("POST /dns-query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nquery");
  ASSERT_TRUE(run_until([&] { return client.text.find("POST /dns-query query") != std::string::npos; }));
  EXPECT_EQ(server->counters().requests.value(), 2u);
  EXPECT_TRUE(sink.sessions.empty());
}

TEST_F(ServerTest, AHandlerMayAnswerLater) {
  start();
  handler.is_late = true;
  TestClient& client = connect();
  client.send("GET /dns-query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return handler.waiting.size() == 1; }));
  server->respond(handler.waiting[0].first + 1, handler.waiting[0].second, Clock::now());
  server->respond(handler.waiting[0].first, handler.waiting[0].second, Clock::now());
  ASSERT_TRUE(run_until([&] { return client.is_at_end; }));
  EXPECT_TRUE(client.text.ends_with("GET /dns-query "));
  server->respond(handler.waiting[0].first, handler.waiting[0].second, Clock::now());
}

TEST_F(ServerTest, ARefusalIsACloseCodeThatAPageCanRead) {
  config_.listeners[0].tokens = {{"alice", "SECRET", {}}};
  start();
  TestClient& client = connect_upgraded("/");
  ASSERT_TRUE(run_until([&] { return client.is_at_end; }));
  EXPECT_EQ(client.websocket->ended_with(), close_code::kRefused);
  EXPECT_TRUE(sink.sessions.empty());
  EXPECT_EQ(server->counters().refused_token.value(), 1u);

  connect_upgraded("/SECRET/wg");
  ASSERT_EQ(sink.sessions.size(), 1u);
  EXPECT_EQ(sink.sessions.begin()->second.token, "alice");
}

TEST_F(ServerTest, AnAbruptResetEndsTheSessionOnce) {
  start();
  TestClient& client = connect_upgraded();
  client.send_message("hello");
  client.reset();
  ASSERT_TRUE(run_until([&] { return sink.closed == 1; }));
  EXPECT_TRUE(run_until([&] { return server->counters().connections.value() == 0; }));
  EXPECT_EQ(server->active_sessions(), 0u);
}

TEST_F(ServerTest, AStaleIdFindsNobody) {
  start();
  TestClient& client = connect_upgraded();
  const SessionId id = sink.sessions.begin()->first;
  client.close_websocket(close_code::kNormal);
  ASSERT_TRUE(run_until([&] { return server->counters().connections.value() == 0; }));
  EXPECT_FALSE(server->send(id, Bytes{}, Clock::now()));
  EXPECT_EQ(server->queued_bytes(id), 0u);
  server->close(id, close_code::kNormal, "", Clock::now());
  connect_upgraded();
  EXPECT_NE(sink.sessions.begin()->first, id);
}

TEST_F(ServerTest, DrainSaysGoingAwayAndAcceptsNobody) {
  start();
  const SocketAddress where = address();
  TestClient& client = connect_upgraded();
  server->drain(Clock::now());
  ASSERT_TRUE(run_until([&] { return server->active_sessions() == 0; }));
  EXPECT_TRUE(run_until([&] { return client.is_at_end; }));
  EXPECT_EQ(client.websocket->ended_with(), close_code::kGoingAway);
  EXPECT_EQ(sink.closed, 1u);
  EXPECT_EQ(server->counters().closed_by_us.value(), 1u);

  io::Descriptor late{socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_storage name{};
  const socklen_t length = io::to_sockaddr(where, name);
  EXPECT_NE(::connect(late.get(), reinterpret_cast<const sockaddr*>(&name), length), 0);
}

TEST_F(ServerTest, ManySessionsEachGetTheirOwn) {
  config_.limits.handshake_burst = 1000;
  config_.limits.half_open_per_source = 1000;
  config_.limits.sessions_per_source = 1000;
  start();
  for (int i = 0; i < 200; ++i) connect().upgrade("/");
  ASSERT_TRUE(run_until([&] { return sink.sessions.size() == 200; }));
  ASSERT_TRUE(
      run_until([&] { return std::ranges::all_of(clients, [](const auto& c) { return c->is_upgraded; }); }));
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i]->send_message(std::to_string(i));
  ASSERT_TRUE(run_until(
      [&] { return std::ranges::all_of(clients, [](const auto& c) { return c->messages.size() == 1; }); }));
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i]->messages[0], std::to_string(i));
}

// Somebody shuts the listening socket down: as an operator can with ss -K.
TEST_F(ServerTest, AListenerThatIsLostIsToldAndDoesNotSpin) {
  start();
  ASSERT_TRUE(server->unbound().empty());
  const SocketAddress lost = address();
  shutdown_listener(lost);

  EXPECT_EQ(server->unbound(), std::vector{lost});
  ASSERT_TRUE(run_until([&] { return server->counters().accept_errors.value() > 0; }));
  for (int i = 0; i < 20; ++i) context.poll();
  EXPECT_EQ(server->counters().accept_errors.value(), 1u);
}

TEST_F(ServerTest, ASourceOverItsLimitIsDisconnected) {
  config_.limits.handshake_burst = 3;
  config_.limits.handshakes_per_second = 1;
  start();
  for (int i = 0; i < 5; ++i) connect();
  ASSERT_TRUE(run_until([&] { return server->counters().connections_accepted.value() == 5; }));
  EXPECT_EQ(server->counters().refused_rate.value(), 2u);
  EXPECT_EQ(server->counters().connections.value(), 3);
}

// One turn may bring a whole window of a guest's TCP: what the socket has room for is no reason to drop.
TEST_F(ServerTest, MoreThanTheQueueHoldsInOneTurnIsNotDroppedWhileTheSocketTakesIt) {
  start();
  TestClient& client = connect_upgraded();
  const SessionId id = sink.sessions.begin()->first;
  const std::vector<std::uint8_t> frame(1434);
  const std::size_t count = 2 * config_.limits.queue_bytes / frame.size();
  for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(server->send(id, frame, Clock::now()));
  ASSERT_TRUE(run_until([&] { return client.messages.size() == count; }));
  EXPECT_EQ(server->counters().ethernet.messages_dropped.value(), 0u);
}

TEST_F(ServerTest, AClientThatDoesNotReadCostsItsBoundAndThenItsSession) {
  config_.limits.write_timeout = 200ms;
  config_.limits.queue_bytes = 64 * 1024;
  start();
  TestClient& client = connect_upgraded();
  const SessionId id = sink.sessions.begin()->first;
  client.stop_reading();
  const std::vector<std::uint8_t> frame(60'000);
  std::size_t most = 0;
  ASSERT_TRUE(run_until([&] {
    for (int i = 0; i < 10; ++i) server->send(id, frame, Clock::now());
    most = std::max(most, server->queued_bytes(id));
    return sink.closed == 1;
  }));
  EXPECT_LE(most, 2 * config_.limits.queue_bytes);
  EXPECT_EQ(server->counters().closed_stalled.value(), 1u);
  EXPECT_GT(server->counters().ethernet.messages_dropped.value(), 0u);
  EXPECT_EQ(server->counters().queued_bytes.value(), 0);
}

// Without descriptors the backlog waits, and is served when there are some again.
TEST_F(ServerTest, RunningOutOfDescriptorsIsASpellNotTheEnd) {
  start();
  // UBSan looks at each class once, for which it needs descriptors itself: those of a timer and of the
  // reactor.
  boost::asio::steady_timer timer{context, std::chrono::milliseconds{0}};
  bool rang = false;
  timer.async_wait([&](const boost::system::error_code&) { rang = true; });
  ASSERT_TRUE(run_until([&] { return rang; }));
  TestClient& client = connect();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const io::Descriptor highest{socket(AF_INET, SOCK_STREAM, 0)};
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(highest.get()) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_TRUE(run_until([&] { return server->counters().accept_errors.value() >= 2; }));
  EXPECT_EQ(server->counters().connections_accepted.value(), 0u);

  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  client.upgrade("/");
  EXPECT_TRUE(run_until([&] { return client.is_upgraded; }));
  EXPECT_LT(server->counters().accept_errors.value(), 10u);
}

// The main thread has no turns, at whose end a worker flushes.
TEST_F(ServerTest, WithoutTurnsItFlushesByItself) {
  config = std::make_shared<const Config>(config_);
  server = std::make_unique<Server>(context, WorkerIndex{0}, config,
                                    std::make_shared<const TlsContexts>(*config), limits, sink, handler);
  server->flush_by_itself();
  server->start();
  TestClient& client = connect();
  client.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const Instant deadline = Clock::now() + kPatience;
  while (server->counters().connections.value() > 0 || !client.is_at_end) {
    ASSERT_LT(Clock::now(), deadline);
    context.run_one_for(std::chrono::milliseconds{1});
    client.pump();
  }
  EXPECT_TRUE(client.text.starts_with("HTTP/1.1 404")) << client.text;
}

// The flows of guests need some too.
TEST_F(ServerTest, ClientsDoNotTakeTheLastDescriptors) {
  const io::Descriptor next{socket(AF_INET, SOCK_STREAM, 0)};
  config_.descriptor_limit = next.get() + 34;  // most are the ends of the clients
  start();
  for (int i = 0; i < 20; ++i) connect();
  EXPECT_TRUE(run_until([&] { return server->counters().accept_errors.value() >= 1; }));
  const std::int64_t open = server->counters().connections.value();
  EXPECT_GT(open, 0);
  EXPECT_LT(open, 20);
  EXPECT_TRUE(run_until(
      [&] { return std::ranges::any_of(clients, [](const auto& client) { return client->is_at_end; }); }));
}

TEST_F(ServerTest, APortInUseIsToldByAddress) {
  start();
  Config second = config_;
  second.listeners[0].port = address().port;
  const auto shared = std::make_shared<const Config>(second);
  const auto plain = std::make_shared<const TlsContexts>(second);
  try {
    Server stranger{context, WorkerIndex{0}, shared, plain, limits, sink, handler};
    FAIL() << "two strangers share a port";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string{error.what()}.find(address().to_string()), std::string::npos) << error.what();
  }
  EXPECT_NO_THROW((Server{context, WorkerIndex{1}, shared, plain, limits, sink, handler}));
}

TEST_F(ServerTest, EveryAddressOfBothFamiliesWhereNoneIsNamed) {
  config_.listeners[0].addresses.clear();
  start();
  clients.push_back(std::make_unique<TestClient>(SocketAddress{IpAddress::v4(127, 0, 0, 1), address().port}));
  clients.back()->upgrade("/");
  EXPECT_TRUE(run_until([&] { return clients.back()->is_upgraded; }));
}

}  // namespace
}  // namespace wgr::ws
