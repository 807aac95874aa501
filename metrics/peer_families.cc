#include "metrics/peer_families.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "metrics/label_text.h"

namespace wgr::metrics {
namespace {

constexpr std::string_view kOthers = "others";

double unix_time(WallTime wall) {
  return static_cast<double>(
      std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count());
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty()) text += ',';
    text += item;
  }
  return text;
}

void add_mindflavor(FamilyBuilder& to, const std::string& interface, const PeerStats& peer) {
  const FamilyBuilder::Labels labels{{"interface", interface},
                                     {"public_key", peer.public_key},
                                     {"allowed_ips", joined(peer.allowed_ips)},
                                     {"friendly_name", label_text(peer.name)}};
  to.add("wireguard_sent_bytes_total", labels, static_cast<double>(peer.sent_bytes));
  to.add("wireguard_received_bytes_total", labels, static_cast<double>(peer.received_bytes));
  to.add("wireguard_latest_handshake_seconds", labels, unix_time(peer.last_handshake));
  if (peer.endpoint.empty()) return;
  to.add("wireguard_peer_endpoint_info",
         {{"interface", interface}, {"public_key", peer.public_key}, {"endpoint", label_text(peer.endpoint)}},
         1);
}

void add_mdlayher(FamilyBuilder& to, const std::string& device, const PeerStats& peer) {
  const FamilyBuilder::Labels labels{{"device", device}, {"public_key", peer.public_key}};
  to.add("wireguard_peer_receive_bytes_total", labels, static_cast<double>(peer.received_bytes));
  to.add("wireguard_peer_transmit_bytes_total", labels, static_cast<double>(peer.sent_bytes));
  to.add("wireguard_peer_last_handshake_seconds", labels, unix_time(peer.last_handshake));
  to.add("wireguard_peer_info",
         {{"device", device},
          {"public_key", peer.public_key},
          {"endpoint", label_text(peer.endpoint)},
          {"name", label_text(peer.name)}},
         1);
  for (const std::string& prefix : peer.allowed_ips) {
    const bool is_v6 = prefix.find(':') != std::string::npos;
    to.add("wireguard_peer_allowed_ips_info",
           {{"device", device},
            {"public_key", peer.public_key},
            {"allowed_ips", prefix},
            {"family", is_v6 ? "IPv6" : "IPv4"}},
           1);
  }
}

void add_peer(FamilyBuilder& to, const ExporterConfig& config, const PeerStats& peer) {
  if (config.compatibility != Compatibility::kMdlayher) add_mindflavor(to, config.interface, peer);
  if (config.compatibility != Compatibility::kMindFlavor) add_mdlayher(to, config.interface, peer);
}

PeerStats summed(std::span<const PeerStats> peers) {
  PeerStats others;
  others.public_key = kOthers;
  for (const PeerStats& peer : peers) {
    others.received_bytes += peer.received_bytes;
    others.sent_bytes += peer.sent_bytes;
    others.last_handshake = std::max(others.last_handshake, peer.last_handshake);
  }
  return others;
}

}  // namespace

void add_peers(FamilyBuilder& to, const ExporterConfig& config, const Snapshot& snapshot) {
  const std::span<const PeerStats> peers{snapshot.peers};
  const std::size_t shown = std::min(config.max_peers, peers.size());
  for (const PeerStats& peer : peers.first(shown)) add_peer(to, config, peer);
  if (shown < peers.size()) add_peer(to, config, summed(peers.subspan(shown)));
  to.add("wgrouter_metrics_peers_truncated", shown < peers.size() ? 1 : 0);
  if (config.compatibility != Compatibility::kMindFlavor && !snapshot.public_key.empty()) {
    to.add("wireguard_device_info", {{"device", config.interface}, {"public_key", snapshot.public_key}}, 1);
  }
}

}  // namespace wgr::metrics
