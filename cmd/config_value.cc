#include "cmd/config_value.h"

#include <limits>

#include "core/text.h"

namespace wgr {
namespace {

struct SizeUnit {
  std::string_view name;
  unsigned shift;
};
constexpr SizeUnit kSizeUnits[] = {{"GiB", 30}, {"MiB", 20}, {"KiB", 10}};

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
  const std::string word = to_lower(trim(text));
  if (word == "1" || word == "true" || word == "yes" || word == "on") return true;
  if (word == "0" || word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  unsigned shift = 0;
  for (const SizeUnit& unit : kSizeUnits) {
    if (text.ends_with(unit.name)) {
      text.remove_suffix(unit.name.size());
      shift = unit.shift;
      break;
    }
  }
  const std::optional<std::uint64_t> value = parse_number(text);
  if (!value || *value > std::numeric_limits<std::uint64_t>::max() >> shift) return std::nullopt;
  return *value << shift;
}

std::string size_to_string(std::uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    const std::uint64_t whole = bytes >> unit.shift;
    if (whole != 0 && whole << unit.shift == bytes) return std::to_string(whole) + std::string{unit.name};
  }
  return std::to_string(bytes);
}

}  // namespace wgr
