#include "wireguard/conf_file.h"

#include <algorithm>
#include <set>

#include "core/text.h"
#include "wireguard/endpoint_name.h"
#include "wireguard/key_text.h"

namespace wgr::wireguard {
namespace {

constexpr std::size_t kMaxPeers = 1 << 20;

std::string without_space(std::string_view text) {
  std::string kept;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\v' && c != '\f') kept += c;
  }
  return kept;
}

// Keys of wg-quick that act on the host's network: a router in user space has none to act on.
constexpr std::string_view kQuickKeys[] = {"Table", "SaveConfig", "FwMark"};
constexpr std::string_view kScriptKeys[] = {"PreUp", "PostUp", "PreDown", "PostDown"};
// Keys of wireproxy.
constexpr std::string_view kProbeKeys[] = {"CheckAlive", "CheckAliveInterval"};
constexpr std::string_view kAmneziaKeys[] = {"Jc", "Jmin", "Jmax", "S1", "S2", "S3",   "S4",
                                             "H1", "H2",   "H3",   "H4", "I1", "I2",   "I3",
                                             "I4", "I5",   "J1",   "J2", "J3", "Itime"};

template <std::size_t N>
std::string_view find_key(const std::string_view (&keys)[N], std::string_view lower) {
  const auto found = std::find_if(std::begin(keys), std::end(keys),
                                  [lower](std::string_view key) { return to_lower(key) == lower; });
  return found == std::end(keys) ? std::string_view{} : *found;
}

class Parser {
 public:
  ConfFile parse(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      read_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    for (const ConfFile::Peer& peer : file_.peers) {
      if (peer.has_public_key) continue;
      file_.problems.push_back(
          {peer.line, "PublicKey", "the peer has none; expected " + std::string{kKeyForm}});
    }
    return std::move(file_);
  }

 private:
  enum class Section { kNone, kInterface, kPeer, kUnknown };

  struct Key {
    Section section;
    std::string_view name;
    void (Parser::*read)(const std::string& value);
    bool may_repeat;
  };
  static const Key kKeys[10];

  void read_line(std::string_view line) {
    const std::size_t hash = line.find('#');
    if (hash != std::string_view::npos) read_comment(trim(line.substr(hash + 1)));
    const std::string dense = without_space(line.substr(0, hash));
    if (dense.empty()) return;
    if (dense.front() == '[') return begin_section(dense);
    const std::size_t equals = dense.find('=');
    if (equals == std::string::npos) {
      return problem({}, "the line is neither [Section] nor Key = Value");
    }
    read_key(dense.substr(0, equals), dense.substr(equals + 1));
  }

  // A convention of exporters and web interfaces.
  void read_comment(std::string_view comment) {
    constexpr std::string_view kName = "friendly_name";
    if (section_ != Section::kPeer || !comment.starts_with(kName)) return;
    comment = trim(comment.substr(kName.size()));
    if (comment.empty() || comment.front() != '=') return;
    file_.peers.back().config.name = std::string{trim(comment.substr(1)).substr(0, 256)};
  }

  void begin_section(const std::string& dense) {
    const std::string lower = to_lower(dense);
    if (lower == "[interface]") {
      section_ = Section::kInterface;
    } else if (lower == "[peer]" && file_.peers.size() < kMaxPeers) {
      section_ = Section::kPeer;
      seen_.clear();
      file_.peers.push_back({.line = line_, .config = {}});
    } else {
      section_ = Section::kUnknown;
      problem({}, "unknown section " + quote(dense) + "; expected [Interface] or [Peer]");
    }
  }

  void read_key(const std::string& name, const std::string& value) {
    if (section_ == Section::kUnknown) return;  // told at its head
    if (section_ == Section::kNone)
      return problem({}, "the line stands before the first [Interface] or [Peer]");
    const std::string lower = to_lower(name);
    for (const Key& key : kKeys) {
      if (key.section != section_ || to_lower(key.name) != lower) continue;
      std::set<std::string>& seen = section_ == Section::kPeer ? seen_ : interface_seen_;
      key_ = key.name;
      if (!seen.insert(lower).second && !key.may_repeat) return problem(key_, "is given twice");
      return (this->*key.read)(value);
    }
    read_foreign_key(name, lower);
  }

  void read_foreign_key(const std::string& name, const std::string& lower) {
    if (const auto key = find_key(kScriptKeys, lower); !key.empty()) {
      return notice(key, "is not executed: this router runs no commands");
    }
    if (const auto key = find_key(kQuickKeys, lower); !key.empty()) {
      return notice(key, "has no effect: this router does not touch the host's network");
    }
    if (const auto key = find_key(kProbeKeys, lower); !key.empty()) return notice(key, "has no effect here");
    if (const auto key = find_key(kAmneziaKeys, lower); !key.empty()) {
      return problem(key, "AmneziaWG's obfuscation is not supported; remove the key on both sides");
    }
    std::vector<std::string_view> names;
    for (const Key& key : kKeys) {
      if (key.section == section_) names.push_back(key.name);
    }
    const std::string_view meant = closest(name, names);
    problem({}, "unknown key " + quote(name) +
                    (meant.empty() ? "" : "; did you mean " + std::string{meant} + "?"));
  }

  void read_private_key(const std::string& value) {
    file_.private_key = parse_secret_key(value);
    if (!file_.private_key) return bad_key(value);
    if (file_.private_key->is_zero()) problem(key_, "is all zero");
  }

  void read_listen_port(const std::string& value) {
    file_.listen_port = read_number<std::uint16_t>(value, 0, 65535, "a port, 0 to 65535");
  }

  void read_mtu(const std::string& value) {
    file_.mtu = read_number<std::uint16_t>(value, 576, 65535, "a number of bytes, 576 to 65535");
  }

  void read_address(const std::string& value) {
    for (const std::string& item : split_list(value)) {
      const std::optional<Prefix> prefix = Prefix::parse(item);
      if (!prefix) {
        bad_value(item, "addresses like 10.0.0.1/24");
        continue;
      }
      file_.addresses.push_back(
          {*IpAddress::parse(std::string_view{item}.substr(0, item.find('/'))), prefix->length()});
    }
  }

  void read_dns(const std::string& value) {
    for (const std::string& item : split_list(value)) {
      if (const std::optional<IpAddress> ip = IpAddress::parse(item)) {
        file_.dns.push_back(*ip);
      } else if (is_host(item)) {
        notice(key_, "the search domain " + quote(item) + " has no effect");
      } else {
        bad_value(item, "addresses of resolvers");
      }
    }
  }

  void read_public_key(const std::string& value) {
    const std::optional<PublicKey> key = parse_public_key(value);
    peer().has_public_key = true;
    if (!key) return bad_key(value);
    if (*key == PublicKey{}) return problem(key_, "is all zero");
    peer().config.public_key = *key;
  }

  void read_preshared_key(const std::string& value) {
    const std::optional<PresharedKey> key = parse_secret_key(value);
    if (!key) return bad_key(value);
    if (!key->is_zero()) peer().config.preshared_key = key;  // all zero: none
  }

  void read_allowed_ips(const std::string& value) {
    for (const std::string& item : split_list(value)) {
      if (const std::optional<Prefix> prefix = Prefix::parse(item)) {
        peer().config.allowed_ips.push_back(*prefix);
      } else {
        bad_value(item, "prefixes like 10.0.0.2/32");
      }
    }
  }

  void read_endpoint(const std::string& value) {
    peer().config.endpoint = parse_endpoint_name(value);
    if (!peer().config.endpoint) bad_value(value, "host:port, [IPv6]:port or 1.2.3.4:port, port 1 to 65535");
  }

  void read_keepalive(const std::string& value) {
    if (to_lower(value) == "off") return;
    const auto seconds = read_number<std::uint16_t>(value, 0, 65535, "seconds, 0 to 65535, or off");
    peer().config.persistent_keepalive = std::chrono::seconds{seconds.value_or(0)};
  }

  template <typename Integer>
  std::optional<Integer> read_number(const std::string& value, std::uint64_t low, std::uint64_t high,
                                     std::string_view expected) {
    const std::optional<std::uint64_t> number = parse_number(value);
    if (!number || *number < low || *number > high) {
      bad_value(value, expected);
      return std::nullopt;
    }
    return static_cast<Integer>(*number);
  }

  // REQUIRES: in a [Peer] section.
  ConfFile::Peer& peer() { return file_.peers.back(); }

  // Keys are never shown, nor is what stands in their place.
  void bad_key(const std::string& value) {
    problem(key_, "the value is not one (" + std::to_string(value.size()) + " characters); expected " +
                      std::string{kKeyForm});
  }

  void bad_value(std::string_view value, std::string_view expected) {
    problem(key_, (value.empty() ? "no value" : quote(value) + " is not one") + "; expected " +
                      std::string{expected});
  }

  void problem(std::string_view key, std::string text) {
    file_.problems.push_back({line_, std::string{key}, std::move(text)});
  }
  void notice(std::string_view key, std::string text) {
    file_.notices.push_back({line_, std::string{key}, std::move(text)});
  }

  ConfFile file_;
  std::size_t line_ = 0;
  Section section_ = Section::kNone;
  std::string_view key_;  // under way
  std::set<std::string> interface_seen_;
  std::set<std::string> seen_;  // of this peer
};

const Parser::Key Parser::kKeys[10] = {
    {Section::kInterface, "PrivateKey", &Parser::read_private_key, false},
    {Section::kInterface, "ListenPort", &Parser::read_listen_port, false},
    {Section::kInterface, "MTU", &Parser::read_mtu, false},
    {Section::kInterface, "Address", &Parser::read_address, true},
    {Section::kInterface, "DNS", &Parser::read_dns, true},
    {Section::kPeer, "PublicKey", &Parser::read_public_key, false},
    {Section::kPeer, "PresharedKey", &Parser::read_preshared_key, false},
    {Section::kPeer, "AllowedIPs", &Parser::read_allowed_ips, true},
    {Section::kPeer, "Endpoint", &Parser::read_endpoint, false},
    {Section::kPeer, "PersistentKeepalive", &Parser::read_keepalive, false},
};

}  // namespace

ConfFile parse_conf_file(std::string_view text) { return Parser{}.parse(text); }

}  // namespace wgr::wireguard
