#include "slirp/lan/lease_file.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "core/base64.h"
#include "core/text.h"
#include "slirp/lan/station_name.h"

namespace wgr::slirp::lan {
namespace {

constexpr std::string_view kHead = "# wgrouter leases ";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kNetwork = "network ";
constexpr std::string_view kNone = "*";
constexpr std::string_view kDefaultNetwork = "default";
constexpr std::size_t kMaxClientId = 255;
constexpr std::size_t kMaxNetworks = 1024;
// The last whole second that a WallTime can say.
constexpr std::uint64_t kLastSecond = static_cast<std::uint64_t>(
    std::chrono::floor<std::chrono::seconds>(WallTime::max()).time_since_epoch().count());

std::string_view take_word(std::string_view& line) {
  line = trim(line);
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

std::optional<WallTime> parse_expiry(std::string_view word) {
  const std::optional<std::uint64_t> seconds = parse_number(word);
  if (!seconds || *seconds > kLastSecond) return std::nullopt;
  if (*seconds == 0) return WallTime::max();
  return WallTime{std::chrono::seconds{*seconds}};
}

// "01:02:aa", as many bytes as there are; "*" is none.
std::optional<std::string> parse_client_id(std::string_view word) {
  std::string id;
  if (word == kNone) return id;
  if (word.size() % 3 != 2 || word.size() > 3 * kMaxClientId) return std::nullopt;
  for (std::size_t i = 0; i < word.size(); i += 3) {
    std::uint8_t byte = 0;
    const bool is_separated = i + 2 == word.size() || word[i + 2] == ':';
    if (!is_separated || !decode_hex(word.substr(i, 2), {&byte, 1})) return std::nullopt;
    id += static_cast<char>(byte);
  }
  return id;
}

std::string print_client_id(std::string_view id) {
  return id.empty() ? std::string{kNone} : to_hex_with_colons(bytes_of(id));
}

// What is wrong with the line; empty if it was read.
std::string parse_lease(std::string_view line, Lease& lease) {
  const std::optional<WallTime> expires = parse_expiry(take_word(line));
  if (!expires) return "expected the second of the expiry first, or 0";
  const std::string_view mac_text = take_word(line);
  const std::optional<MacAddress> mac = MacAddress::parse(mac_text);
  if (!mac || !mac->is_unicast()) return quote(mac_text) + " is not the MAC address of a station";
  const std::string_view address_text = take_word(line);
  const std::optional<IpAddress> address = IpAddress::parse(address_text);
  if (!address || !address->is_v4()) return quote(address_text) + " is not an IPv4 address";
  const std::string_view name = take_word(line);
  if (name.empty()) return "expected a host name, or *";
  const std::string_view id_text = take_word(line);
  const std::optional<std::string> id = parse_client_id(id_text);
  if (!id) return quote(id_text) + " is not a client identifier in hexadecimal";
  if (!trim(line).empty()) return quote(trim(line)) + " is one word too many";
  lease = {.address = *address,
           .mac = *mac,
           .client_id = *id,
           .host_name = name == kNone ? std::string{} : station_name(name),
           .expires = *expires};
  return {};
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// Reads line after line and keeps what is wrong.
class Reader {
 public:
  // False: the rest is not to be read.
  bool read(std::string_view line) {
    ++number_;
    if (line.starts_with(kHead) && trim(line.substr(kHead.size())) != kVersion) {
      file_ = {.networks = {}, .faults = {}, .is_foreign = true};
      fault("these leases are of version " + quote(trim(line.substr(kHead.size()))) + ", not " +
            std::string{kVersion});
      return false;
    }
    line = trim(line);
    if (line.empty() || line.starts_with('#')) return true;
    if (line.starts_with(kNetwork)) {
      network_ = trim(line.substr(kNetwork.size()));
      return true;
    }
    Lease lease;
    std::string wrong = parse_lease(line, lease);
    if (wrong.empty()) {
      if (std::vector<Lease>* const leases = leases_of_network()) {
        leases->push_back(std::move(lease));
        return true;
      }
      wrong = "there are too many networks";
    }
    fault(wrong);
    return true;
  }

  LeaseFile finish() {
    if (faults_ > kMaxLeaseFaults) {
      file_.faults.push_back("and " + std::to_string(faults_ - kMaxLeaseFaults) + " lines more");
    }
    return std::move(file_);
  }

 private:
  void fault(const std::string& what) {
    if (++faults_ > kMaxLeaseFaults) return;
    file_.faults.push_back("line " + std::to_string(number_) + ": " + what);
  }

  // Null: there is no room for another network.
  std::vector<Lease>* leases_of_network() {
    auto& networks = file_.networks;
    if (networks.empty() || networks.back().network != network_) {
      const auto found = std::ranges::find(networks, network_, &NetworkLeases::network);
      if (found != networks.end()) return &found->leases;
      if (networks.size() == kMaxNetworks) return nullptr;
      networks.push_back({std::string{network_}, {}});
    }
    return &networks.back().leases;
  }

  LeaseFile file_;
  std::string_view network_ = kDefaultNetwork;
  std::size_t number_ = 0;
  std::size_t faults_ = 0;
};

}  // namespace

std::vector<Lease> LeaseFile::leases_of(std::string_view network) const {
  const auto found = std::ranges::find(networks, network, &NetworkLeases::network);
  return found == networks.end() ? std::vector<Lease>{} : found->leases;
}

LeaseFile parse_lease_file(std::string_view text) {
  Reader reader;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (!reader.read(text.substr(0, end))) break;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.finish();
}

std::string print_lease_file(const std::vector<NetworkLeases>& networks) {
  std::string text{kHead};
  text += std::string{kVersion} + "\n";
  for (const NetworkLeases& network : networks) {
    const std::string_view name = trim(network.network);
    if (network.leases.empty() || name.empty() || name != network.network || !is_printable(name)) continue;
    text += std::string{kNetwork} + network.network + "\n";
    for (const Lease& lease : network.leases) {
      if (!lease.address.is_v4() || !lease.mac.is_unicast() || lease.client_id.size() > kMaxClientId)
        continue;
      // 0 means never, so what expired with the epoch or before it did so one second later.
      const auto seconds = std::max<std::int64_t>(
          std::chrono::ceil<std::chrono::seconds>(lease.expires).time_since_epoch().count(), 1);
      const bool is_endless = lease.expires == WallTime::max();
      const std::string host_name = station_name(lease.host_name);
      text += (is_endless ? "0" : std::to_string(seconds)) + " " + lease.mac.to_string() + " " +
              lease.address.to_string() + " " + (host_name.empty() ? std::string{kNone} : host_name) + " " +
              print_client_id(lease.client_id) + "\n";
    }
  }
  return text;
}

}  // namespace wgr::slirp::lan
