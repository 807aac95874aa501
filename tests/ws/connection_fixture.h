// One connection from the loopback, its client's end, and a clock the test moves.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

#include "tests/ws/frames.h"
#include "ws/connection.h"

namespace wgr::ws {

using namespace std::chrono_literals;

// One connection from the loopback, and a client's end of its WebSocket.
class ConnectionTest : public testing::Test {
 protected:
  static constexpr std::string_view kKey =
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

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
    input_.assign(text.begin(), text.end());
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
    std::vector<std::uint8_t> bytes(output.begin(), output.end());
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
                                 .is_from_proxy = false};
  std::vector<std::uint8_t> input_;
  Connection::Out out_;
  std::vector<std::string> payloads_;
  std::unique_ptr<Connection> connection_;
  WebSocket::Settings client_settings_{
      .message_bytes = 1 << 20, .queue_bytes = 1 << 22, .accepts_text = true};
  WebSocket client_{Role::kClient, client_settings_, pool_, rng_, now_};
};

}  // namespace wgr::ws
