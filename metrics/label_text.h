// Text of operators as a label value that no scraper refuses.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace wgr::metrics {

// Valid UTF-8 without control characters but the line feed: what is not becomes U+FFFD. Quotes, backslashes
// and line feeds stay; the serializer escapes them.
std::string label_text(std::string_view text);

}  // namespace wgr::metrics
