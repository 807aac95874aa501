// Makers of settings of many values, one per kind. `access` as in config_setting_kinds.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/config_setting_kinds.h"
#include "core/address.h"
#include "core/egress/policy.h"

namespace wgr::setting_kinds {

// A list whose items are read by `parse(text, item, problem)` and printed by `print(item)`.
template <typename Target = Config, typename Access, typename Parse, typename Print>
BasicSetting<Target> list(std::string path, Access access, Parse parse, Print print, std::string expected,
                          std::string help) {
  BasicSetting<Target> setting;
  setting.path = std::move(path);
  setting.expected = std::move(expected);
  setting.help = std::move(help);
  setting.shape = Shape::kList;
  setting.set = [access, parse](Target& target, const Texts& texts) -> std::optional<std::string> {
    std::remove_cvref_t<decltype(access(target))> items;
    for (const std::string& item_text : texts) {
      auto item = parse(item_text);
      if (!item) return is_not_one(item_text);
      items.push_back(*std::move(item));
    }
    access(target) = std::move(items);
    return std::nullopt;
  };
  setting.get = [access, print](const Target& target) {
    Texts texts;
    for (const auto& item : access(target)) texts.push_back(print(item));
    return texts;
  };
  return setting;
}

template <typename Target = Config, typename Access>
BasicSetting<Target> addresses(std::string path, Access access, std::string help) {
  return list<Target>(
      std::move(path), access, [](std::string_view item) { return IpAddress::parse(item); },
      [](const IpAddress& ip) { return ip.to_string(); }, "a list of IP addresses", std::move(help));
}

template <typename Target = Config, typename Access>
BasicSetting<Target> prefixes(std::string path, Access access, std::string help) {
  return list<Target>(
      std::move(path), access, [](std::string_view item) { return Prefix::parse(item); },
      [](const Prefix& prefix) { return prefix.to_string(); }, "a list of prefixes like 192.0.2.0/24",
      std::move(help));
}

template <typename Target = Config, typename Access>
BasicSetting<Target> words(std::string path, Access access, std::string expected, std::string help) {
  return list<Target>(
      std::move(path), access,
      [](std::string_view item) {
        return item.empty() || item.size() > 4096 ? std::nullopt : std::optional{std::string{item}};
      },
      [](const std::string& item) { return item; }, std::move(expected), std::move(help));
}

// `egress.allow` and `egress.deny`, of the router or of a peer.
template <typename Target = Config, typename Access>
BasicSetting<Target> rules(std::string path, Access access, std::string help) {
  BasicSetting<Target> setting;
  setting.path = std::move(path);
  setting.expected =
      "a list of CIDR, CIDR:PORT, [CIDR]:PORT/udp, tcp://CIDR:PORT or a class: private, loopback, "
      "link-local, "
      "cgnat, metadata, multicast, reserved";
  setting.help = std::move(help);
  setting.shape = Shape::kList;
  setting.set = [access](Target& target, const Texts& texts) -> std::optional<std::string> {
    std::vector<egress::Rule> parsed;
    for (const std::string& rule_text : texts) {
      std::string error;
      const std::optional<egress::Rule> rule = egress::Rule::parse(rule_text, error);
      if (!rule) return error;
      parsed.push_back(*rule);
    }
    access(target) = std::move(parsed);
    return std::nullopt;
  };
  setting.get = [access](const Target& target) {
    Texts texts;
    for (const egress::Rule& rule : access(target)) texts.push_back(rule.to_string());
    return texts;
  };
  return setting;
}

}  // namespace wgr::setting_kinds
