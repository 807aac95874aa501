#include "slirp/lan/station_name.h"

#include <algorithm>

namespace wgr::slirp::lan {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::string_view kReserved[] = {"localhost", "wpad", "isatap"};

bool is_letter_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string station_name(std::string_view said) {
  std::string name;
  for (char c : said.substr(0, said.find('.'))) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_' || c == ' ') c = '-';
    const bool is_hyphen_inside = c == '-' && !name.empty();
    if (is_letter_or_digit(c) || is_hyphen_inside) name += c;
    if (name.size() == kMaxLabel) break;
  }
  while (name.ends_with('-')) name.pop_back();
  if (std::ranges::find(kReserved, name) != std::end(kReserved)) name.clear();
  return name;
}

}  // namespace wgr::slirp::lan
