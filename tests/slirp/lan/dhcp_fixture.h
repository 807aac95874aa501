// A DHCP server of 192.168.86.0/24 and what clients say to it.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "slirp/lan/dhcp_server.h"

namespace wgr::slirp::lan {

using namespace std::chrono_literals;

inline constexpr MacAddress kMac{{0x00, 0x22, 0x15, 1, 2, 3}};
inline constexpr MacAddress kOther{{0x00, 0x22, 0x15, 9, 9, 9}};

// What a client says; options in the order of the members.
struct Say {
  wire::DhcpType type = wire::DhcpType::kDiscover;
  IpAddress ciaddr;
  std::optional<IpAddress> requested;
  std::optional<IpAddress> server;
  std::string id;
  std::string host_name;
  std::vector<std::uint8_t> parameters;
  std::uint16_t max_size = 0;
  bool broadcast = false;
  MacAddress mac = kMac;

  std::vector<std::uint8_t> message() const {
    wire::DhcpWriter writer{{.op = wire::DhcpOp::kRequest,
                             .xid = 0xabcdef01,
                             .broadcast = broadcast,
                             .ciaddr = ciaddr,
                             .mac = mac},
                            548};
    const auto add_text = [&](wire::DhcpOption option, const std::string& text) {
      if (!text.empty())
        writer.add(option, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    };
    writer.add_byte(wire::DhcpOption::kMessageType, static_cast<std::uint8_t>(type));
    if (requested) writer.add(wire::DhcpOption::kRequestedAddress, *requested);
    if (server) writer.add(wire::DhcpOption::kServerIdentifier, *server);
    add_text(wire::DhcpOption::kClientIdentifier, id);
    add_text(wire::DhcpOption::kHostName, host_name);
    if (!parameters.empty()) writer.add(wire::DhcpOption::kParameterList, parameters);
    if (max_size != 0) writer.add_number(wire::DhcpOption::kMaxMessageSize, max_size);
    return writer.finish();
  }
};

class DhcpServerTest : public testing::Test {
 protected:
  static IpAddress ip(std::uint8_t last) { return IpAddress::v4(192, 168, 86, last); }
  static inline const IpAddress kBroadcast = IpAddress::v4(255, 255, 255, 255);

  static NetworkConfig network() {
    NetworkConfig config;
    config.subnet = *Prefix::parse("192.168.86.0/24");
    config.gateway = ip(1);
    config.dhcp.first = ip(100);
    config.dhcp.last = ip(199);
    return config;
  }

  std::optional<DhcpServer::Reply> say(const Say& what, const IpAddress& source = {}) {
    return server_.receive(what.message(), what.mac, 0, source, now_);
  }
  std::optional<DhcpServer::Reply> say_bytes(Bytes message) {
    return server_.receive(message, kMac, 0, {}, now_);
  }
  static wire::DhcpView view(const DhcpServer::Reply& reply) { return *wire::DhcpView::parse(reply.message); }
  static std::optional<wire::DhcpType> type_of(const std::optional<DhcpServer::Reply>& reply) {
    return reply ? view(*reply).type() : std::nullopt;
  }
  // DISCOVER, REQUEST.
  IpAddress lease(Say who = {}) {
    who.type = wire::DhcpType::kDiscover;
    const IpAddress address = view(*say(who)).yiaddr();
    who.type = wire::DhcpType::kRequest;
    who.requested = address;
    who.server = ip(1);
    EXPECT_EQ(type_of(say(who)), wire::DhcpType::kAck);
    return address;
  }
  std::uint64_t dropped(DropReason reason) const { return counters_.drops.value(reason); }

  NetworkConfig config_ = network();
  Counters counters_;
  Instant now_{1s};
  LeaseTable table_{config_, counters_, {}, WallTime{}, now_};
  DhcpServer server_{config_, table_, counters_};
};

}  // namespace wgr::slirp::lan
