// What a router that ends keeps of its virtual LANs.
#include <filesystem>

#include "tests/cmd/running_router.h"
#include "tests/slirp/lan/lan_frames.h"

namespace wgr {
namespace {

using namespace slirp::lan::test;
using testing::HasSubstr;

class RouterLeasesTest : public RunningRouterTest {
 protected:
  std::string text_for(const Ports& ports) const {
    return filled(R"(
wireguard:
  private_key: @KEY@
  listen_port: 0
  listen_addresses: [127.0.0.1]
  peers: [{public_key: "@ALICE@", allowed_ips: [10.86.0.2/32]}]
ws: {port: @PLAIN@}
lan:
  lease_file: @FOLDER@/leases
  networks: {default: {subnet: 192.168.86.0/24, gateway: 192.168.86.1}}
metrics: {port: @METRICS@}
dns: {upstreams: [192.0.2.53]}
state: {folder: @FOLDER@}
processor: {workers: 2}
shutdown: {grace: 0s}
)",
                  {{"KEY", kPrivateKey},
                   {"ALICE", kPeerA},
                   {"PLAIN", std::to_string(ports.plain)},
                   {"METRICS", std::to_string(ports.metrics)},
                   {"FOLDER", folder_}});
  }
  void start_here() {
    start([this](const Ports& ports) { return text_for(ports); });
  }

  ws::TestClient& station() {
    ws::TestClient& client = connect(ports_.plain);
    client.upgrade("/");
    EXPECT_TRUE(run_until([&] { return client.is_upgraded; })) << client.text;
    return client;
  }
  // Asks, and reads the address in the answer.
  IpAddress ask(ws::TestClient& client, const MacAddress& mac, const DhcpQuestion& question) {
    const Frame frame = dhcp(mac, question);
    client.messages.clear();
    client.send_message({reinterpret_cast<const char*>(frame.data()), frame.size()});
    IpAddress address;
    EXPECT_TRUE(run_until([&] {
      for (const std::string& message : client.messages) {
        if (const auto found = address_in(message)) return address = *found, true;
      }
      return false;
    }));
    return address;
  }
  IpAddress lease(ws::TestClient& client, const MacAddress& mac) {
    const IpAddress offered = ask(client, mac, {});
    return ask(client, mac, {.type = wire::DhcpType::kRequest, .requested = offered, .to_server = true});
  }
  static std::optional<IpAddress> address_in(const std::string& message) {
    if (message.size() < wire::kEthernetHeaderSize) return std::nullopt;
    std::vector<std::uint8_t> packet(message.begin() + wire::kEthernetHeaderSize, message.end());
    const auto ip = wire::Ipv4View::parse(packet);
    if (!ip) return std::nullopt;
    const auto udp = wire::UdpView::parse(ip->payload());
    if (!udp) return std::nullopt;
    const auto reply = wire::DhcpView::parse(udp->payload());
    if (!reply) return std::nullopt;
    return reply->yiaddr();
  }
  std::string leases() const {
    std::ifstream file{path("leases")};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
};

// The file is written a second after a change at the soonest: what came later than that is in it too.
TEST_F(RouterLeasesTest, ALeaseOfTheLastMomentIsSavedAtTheEnd) {
  start_here();
  const IpAddress address = lease(station(), kAnna);
  ASSERT_FALSE(address.is_unspecified());
  EXPECT_EQ(stop(), 0);
  EXPECT_THAT(leases(), HasSubstr(kAnna.to_string() + " " + address.to_string()));
}

TEST_F(RouterLeasesTest, TheNextStartGivesTheSameStationTheSameAddress) {
  start_here();
  lease(station(), kAnna);
  const IpAddress bert = lease(station(), kBert);
  stop();

  start_here();
  EXPECT_EQ(lease(station(), kBert), bert);
  stop();
  EXPECT_THAT(leases(), HasSubstr(kAnna.to_string()));
}

}  // namespace
}  // namespace wgr
