#include "tests/bench/replay_router.h"

#include <cstdio>
#include <cstdlib>

#include "core/wire/ip.h"
#include "tests/bench/identities.h"
#include "wireguard/peer_directory.h"

namespace wgr::bench {
namespace {

constexpr GuestId kGuest{0, 1};
constexpr GuestId kRouter{0, 1};  // as the guest's own device calls it
constexpr WallTime kWall{std::chrono::hours{24 * 365 * 55}};
constexpr Instant kBegin{std::chrono::hours{1}};

Prefix guest_prefix() { return {inner_address_of(1), 32}; }

std::shared_ptr<const wireguard::AllowedIps> one_route(const Prefix& prefix, GuestId guest) {
  auto table = std::make_shared<wireguard::AllowedIps>();
  table->insert(prefix, guest);
  return table;
}

wireguard::DeviceConfig device_of(std::uint32_t identity) {
  wireguard::DeviceConfig config;
  config.private_key = private_key_of(identity);
  return config;
}

Shard::Settings shard_settings(std::shared_ptr<const wireguard::AllowedIps> allowed_ips) {
  Shard::Settings settings;
  settings.device = device_of(kRouterIdentity);
  settings.stack.own_addresses = {inner_address_of(kRouterIdentity)};
  egress::Policy::Settings policy;
  std::string error;
  policy.global.allow.push_back(egress::Rule::parse("loopback", error).value());
  settings.policy = std::make_shared<const egress::Policy>(std::move(policy));
  settings.routes =
      std::make_shared<const Routes>(std::move(allowed_ips), OverlayConfig{}, settings.stack.own_addresses);
  const wireguard::PeerDirectory::Entry guest{wireguard::public_key_of(private_key_of(1)), kGuest};
  settings.directory = std::make_shared<const wireguard::PeerDirectory>(std::span{&guest, 1});
  return settings;
}

}  // namespace

ReplayRouter::ReplayRouter(Switch on_measured)
    : switch_(on_measured),
      guest_endpoint_(Endpoint::udp({IpAddress::v4(127, 0, 0, 2), 1000})),
      router_endpoint_(Endpoint::udp({IpAddress::v4(127, 0, 0, 1), 51820})),
      now_(kBegin),
      rng_(/*seed=*/1),
      allowed_ips_(one_route(guest_prefix(), kGuest)),
      shard_(/*index=*/0, shard_settings(allowed_ips_), sockets_, rng_, kWall, now_),
      guest_out_(guest_batch_),
      guest_(device_of(1), /*worker=*/0, kWall, now_, rng_),
      flows_(*this, inner_address_of(1)) {
  wireguard::PeerConfig guest;
  guest.public_key = wireguard::public_key_of(private_key_of(1));
  guest.allowed_ips = {guest_prefix()};
  shard_.device().set_peer(kGuest, guest, now_);

  const Prefix everything{IpAddress::v4(0), 0};
  guest_.set_allowed_ips(one_route(everything, kRouter));
  wireguard::PeerConfig router;
  router.public_key = wireguard::public_key_of(private_key_of(kRouterIdentity));
  router.allowed_ips = {everything};
  guest_.set_peer(kRouter, router, now_);
  guest_.set_endpoint(kRouter, router_endpoint_, wireguard::EndpointOrigin::kOperator, now_);
}

void ReplayRouter::send_packet(Bytes packet) {
  ++sent_;
  guest_.send(kRouter, packet, now_, guest_out_);
}

void ReplayRouter::connect(std::uint32_t count, const GuestFlowOptions& options, std::uint16_t port) {
  for (std::uint32_t i = 0; i < count; ++i) flows_.open(options, {IpAddress::v4(127, 0, 0, 1), port}, now_);
  for (int turns = 0; flows_.established() < flows_.flows().size(); ++turns) {
    if (turns == 10'000) {
      std::fprintf(stderr, "the flows of the replay do not connect\n");
      std::abort();
    }
    step(std::chrono::milliseconds{1});
  }
}

void ReplayRouter::step(Duration by) {
  now_ += by;
  carry_to_router();
  take_turn();
  carry_to_guest();
}

void ReplayRouter::carry_to_router() {
  memory_.clear();
  carried_.clear();
  for (const DatagramBatch::Run& run : guest_batch_.runs()) {  // as the kernel's GRO hands them over
    carried_.push_back({memory_.size(), run.bytes.size(), run.segment_size});
    memory_.insert(memory_.end(), run.bytes.begin(), run.bytes.end());
  }
  guest_batch_.clear();
}

void ReplayRouter::take_turn() {
  measured(true);
  for (const Carried& run : carried_) {
    shard_.receive(guest_endpoint_, MutableBytes{memory_}.subspan(run.begin, run.size), run.segment_size,
                   now_);
  }
  shard_.end_batch(now_);
  measured(false);
  sockets_.take_events(events_);
  measured(true);
  for (const SocketEvent& event : events_) shard_.socket_ready(event.token, event.ready, now_);
  if (shard_.next_deadline() <= now_) shard_.on_deadline(now_);
  measured(false);
}

void ReplayRouter::carry_to_guest() {
  for (bool more = true; more;) {
    measured(true);
    more = shard_.seal(now_);
    measured(false);
    for (const DatagramBatch::Run& run : shard_.outbox().datagrams.runs()) {
      for (std::size_t begin = 0; begin < run.bytes.size(); begin += run.segment_size) {
        const std::size_t size = std::min(run.segment_size, run.bytes.size() - begin);
        guest_.receive(router_endpoint_, run.bytes.subspan(begin, size), now_, guest_out_);
      }
    }
    received_ += guest_out_.packets.size();
    flows_.begin_turn();
    for (const PacketView& packet : guest_out_.packets) flows_.receive(packet, now_);
    guest_out_.packets.clear();
    measured(true);
    shard_.outbox().datagrams.clear();
    measured(false);
    flows_.end_batch(now_);
  }
  guest_.on_deadline(now_, guest_out_);
}

}  // namespace wgr::bench
