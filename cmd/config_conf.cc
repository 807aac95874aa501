#include "cmd/config_conf.h"

#include <utility>

#include "cmd/config_draft.h"
#include "wireguard/conf_file.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

std::string where(const std::string& name, const wireguard::ConfFile::Remark& remark) {
  return name + ":" + std::to_string(remark.line) + (remark.key.empty() ? "" : ": " + remark.key);
}

Texts address_texts(const wireguard::ConfFile& file) {
  Texts texts;
  for (const auto& address : file.addresses) {
    texts.push_back(InterfaceAddress{address.ip, address.length}.to_string());
  }
  return texts;
}

Texts dns_texts(const wireguard::ConfFile& file) {
  Texts texts;
  for (const IpAddress& ip : file.dns) texts.push_back(ip.to_string());
  return texts;
}

// The values were checked by the parser; set() is used so that origins and siblings are kept in step.
void set_interface(const wireguard::ConfFile& file, const std::string& name, ConfigDraft& draft) {
  const auto set = [&](std::string_view path, const Texts& texts) {
    draft.set(*find_setting(path), texts, {Layer::kConf, name});
  };
  if (file.private_key) {
    Texts secret{wireguard::secret_to_base64(*file.private_key)};
    set("wireguard.private_key", secret);
    erase_memory(secret[0].data(), secret[0].size());
  }
  if (file.listen_port) set("wireguard.listen_port", {std::to_string(*file.listen_port)});
  if (file.mtu) set("network.mtu", {std::to_string(*file.mtu)});
  if (!file.addresses.empty()) set("network.addresses", address_texts(file));
  if (!file.dns.empty()) set("dns.upstreams", dns_texts(file));
}

}  // namespace

void read_conf_config(std::string_view text, const std::string& name, ConfigDraft& draft) {
  wireguard::ConfFile file = wireguard::parse_conf_file(text);
  for (const auto& problem : file.problems) draft.problem(where(name, problem), problem.text);
  for (const auto& notice : file.notices) {
    draft.notice(log::Level::kWarn, where(name, notice) + ": " + notice.text);
  }
  if (!file.problems.empty()) return;
  set_interface(file, name, draft);
  draft.replace_peers(name);
  for (auto& peer : file.peers) {
    PeerEntry entry;
    entry.peer = std::move(peer.config);
    entry.origin = name + ":" + std::to_string(peer.line);
    draft.config.wireguard.peers.push_back(std::move(entry));
  }
}

}  // namespace wgr
