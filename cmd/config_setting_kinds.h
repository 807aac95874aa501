// Makers of settings of one value, one per kind of value; those of many are in config_setting_lists.h.
// `access` is a generic lambda that gives the field of a Config, const or not:
// [](auto& config) -> auto& { return config.slirp.mtu; }.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cmd/config_setting.h"
#include "cmd/config_value.h"
#include "core/duration.h"
#include "core/text.h"

namespace wgr::setting_kinds {

inline constexpr std::size_t kMostSecret = 1024;
inline constexpr std::string_view kEmptySecret = "is empty: leave the key out where there is none";

inline std::optional<std::string> is_not_one(std::string_view text) {
  return text.empty() ? std::string{"no value"} : quote(text) + " is not one";
}

template <typename Target = Config, typename Access>
BasicSetting<Target> number(std::string path, Access access, std::uint64_t low, std::uint64_t high,
                            std::string help) {
  BasicSetting<Target> setting;
  setting.path = std::move(path);
  setting.expected = "a whole number, " + std::to_string(low) + " to " + std::to_string(high);
  setting.help = std::move(help);
  setting.set = [access, low, high](Target& target, const Texts& texts) -> std::optional<std::string> {
    const std::optional<std::uint64_t> value = parse_number(texts[0]);
    if (!value) return is_not_one(texts[0]);
    if (*value < low || *value > high) return quote(texts[0]) + " is out of range";
    auto& field = access(target);
    field = static_cast<std::remove_reference_t<decltype(field)>>(*value);
    return std::nullopt;
  };
  setting.get = [access](const Target& target) { return Texts{std::to_string(access(target))}; };
  return setting;
}

template <typename Target = Config, typename Access>
BasicSetting<Target> size(std::string path, Access access, std::uint64_t low, std::uint64_t high,
                          std::string help) {
  BasicSetting<Target> setting;
  setting.path = std::move(path);
  setting.expected = "a number of bytes, " + size_to_string(low) + " to " + size_to_string(high);
  setting.help = std::move(help);
  setting.set = [access, low, high](Target& target, const Texts& texts) -> std::optional<std::string> {
    const std::optional<std::uint64_t> value = parse_size(texts[0]);
    if (!value) return is_not_one(texts[0]);
    if (*value < low || *value > high) return quote(texts[0]) + " is out of range";
    auto& field = access(target);
    field = static_cast<std::remove_reference_t<decltype(field)>>(*value);
    return std::nullopt;
  };
  setting.get = [access](const Target& target) {
    return Texts{size_to_string(static_cast<std::uint64_t>(access(target)))};
  };
  return setting;
}

template <typename Target = Config, typename Access>
BasicSetting<Target> duration(std::string path, Access access, Duration low, Duration high,
                              std::string help) {
  BasicSetting<Target> setting;
  setting.path = std::move(path);
  setting.expected = "a duration like 30s or 250ms, " + to_string(low) + " to " + to_string(high);
  setting.help = std::move(help);
  setting.set = [access, low, high](Target& target, const Texts& texts) -> std::optional<std::string> {
    const std::optional<Duration> value = parse_duration(texts[0]);
    if (!value) return is_not_one(texts[0]);
    if (*value < low || *value > high) return quote(texts[0]) + " is out of range";
    access(target) = *value;
    return std::nullopt;
  };
  setting.get = [access](const Target& target) { return Texts{to_string(access(target))}; };
  return setting;
}

template <typename Target = Config, typename Access>
BasicSetting<Target> boolean(std::string path, Access access, std::string help) {
  BasicSetting<Target> setting;
  setting.path = std::move(path);
  setting.expected = "true or false (also 1/0, yes/no, on/off)";
  setting.help = std::move(help);
  setting.set = [access](Target& target, const Texts& texts) -> std::optional<std::string> {
    const std::optional<bool> value = parse_bool(texts[0]);
    if (!value) return is_not_one(texts[0]);
    access(target) = *value;
    return std::nullopt;
  };
  setting.get = [access](const Target& target) { return Texts{access(target) ? "true" : "false"}; };
  return setting;
}

template <typename Value>
using Words = std::vector<std::pair<std::string, Value>>;

template <typename Value, typename Target = Config, typename Access>
BasicSetting<Target> choice(std::string path, Access access, Words<Value> words, std::string help) {
  BasicSetting<Target> setting;
  setting.path = std::move(path);
  for (std::size_t i = 0; i < words.size(); ++i) {
    setting.expected += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i].first;
  }
  setting.help = std::move(help);
  setting.set = [access, words](Target& target, const Texts& texts) -> std::optional<std::string> {
    for (const auto& [word, value] : words) {
      if (to_lower(texts[0]) != word) continue;
      access(target) = value;
      return std::nullopt;
    }
    return is_not_one(texts[0]);
  };
  setting.get = [access, words](const Target& target) {
    for (const auto& [word, value] : words) {
      if (access(target) == value) return Texts{word};
    }
    return Texts{};
  };
  return setting;
}

// Free text; an empty one unsets.
template <typename Target = Config, typename Access>
BasicSetting<Target> text(std::string path, Access access, std::string expected, std::string help) {
  BasicSetting<Target> setting;
  setting.path = std::move(path);
  setting.expected = std::move(expected);
  setting.help = std::move(help);
  setting.set = [access](Target& target, const Texts& texts) -> std::optional<std::string> {
    if (texts[0].size() > 4096 || texts[0].find('\0') != std::string::npos) return "is not usable";
    access(target) = texts[0];
    return std::nullopt;
  };
  setting.get = [access](const Target& target) {
    return access(target).empty() ? Texts{} : Texts{access(target)};
  };
  return setting;
}

// Like text(), but the value is never shown; `file` gives the path of the file it may have come from.
template <typename Target = Config, typename Access, typename File>
BasicSetting<Target> secret(std::string path, Access access, File file, std::string expected,
                            std::string help) {
  BasicSetting<Target> setting = text<Target>(std::move(path), access, std::move(expected), std::move(help));
  setting.is_secret = true;
  setting.set = [access](Target& target, const Texts& texts) -> std::optional<std::string> {
    if (texts[0] == kRedacted) {
      return std::string{"is the placeholder that print-config writes; put the secret there"};
    }
    if (texts[0].empty()) return std::string{kEmptySecret};
    if (texts[0].size() > kMostSecret) return std::string{"is too long"};
    for (const char c : texts[0]) {
      if (c <= ' ' || c > '~') return std::string{"holds a space or a character beyond ASCII"};
    }
    access(target) = texts[0];
    return std::nullopt;
  };
  setting.unset = [access](Target& target) { access(target).clear(); };
  setting.get = [access, file](const Target& target) {
    const bool is_inline = !access(target).empty() && file(target).empty();
    return is_inline ? Texts{std::string{kRedacted}} : Texts{};
  };
  return setting;
}

// The path of the file that such a secret comes from.
template <typename Target = Config, typename Access>
BasicSetting<Target> secret_file(std::string path, Access access) {
  BasicSetting<Target> setting =
      text<Target>(std::move(path), access, "the path of a file with mode 0600", "The same from a file.");
  setting.set = [take = setting.set](Target& target, const Texts& texts) -> std::optional<std::string> {
    if (texts[0].empty()) return std::string{kEmptySecret};
    return take(target, texts);
  };
  setting.unset = [access](Target& target) { access(target).clear(); };
  return setting;
}

}  // namespace wgr::setting_kinds
