#include "ws/page.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace wgr::ws {
namespace {

const std::vector<Route> kRoutes = {
    {"/", Service::kEthernet, "lan<1>"}, {"/wg", Service::kWireGuard, ""}, {"/dns-query", Service::kDns, ""}};

Visit visit(bool is_secure) {
  return {.source = SocketAddress::parse("[2001:db8::1]:50000").value(),
          .is_secure = is_secure,
          .host = "vm.example:8087",
          .routes = kRoutes,
          .sessions = 1};
}

bool contains(const HttpResponse& response, std::string_view text) {
  return response.body.find(text) != std::string::npos;
}

TEST(PageTest, SaysWhoYouAreAndWhatIsServedWhere) {
  const HttpResponse page = make_page(visit(/*is_secure=*/true));
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(contains(page, "accepts the certificate"));
  EXPECT_TRUE(contains(page, "<code>2001:db8::1</code>, with 1 session open"));
  EXPECT_TRUE(contains(page, "wss://vm.example:8087/wg"));
  EXPECT_TRUE(contains(page, "<code>/dns-query</code>"));
  EXPECT_FALSE(contains(page, "50000"));
}

TEST(PageTest, SaysThatAPlainConnectionIsNotEncrypted) {
  const HttpResponse page = make_page(visit(/*is_secure=*/false));
  EXPECT_TRUE(contains(page, "not encrypted"));
  EXPECT_TRUE(contains(page, "ws://vm.example:8087/wg"));
}

TEST(PageTest, EscapesWhatCameFromOutside) {
  Visit hostile = visit(/*is_secure=*/true);
  hostile.host = "x\"><script>alert('&')</script>";
  const HttpResponse page = make_page(hostile);
  EXPECT_FALSE(contains(page, "<script"));
  EXPECT_TRUE(contains(page, "x&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)"));
  EXPECT_TRUE(contains(page, "lan&lt;1&gt;"));
}

// RFC 9110 15.5.22: a 426 says what to upgrade to.
TEST(PageTest, AWebSocketPathAsksForTheUpgrade) {
  const HttpResponse page = make_upgrade_page(visit(/*is_secure=*/true));
  EXPECT_EQ(page.status, 426u);
  EXPECT_NE(std::find(page.headers.begin(), page.headers.end(),
                      std::pair<std::string, std::string>{"Upgrade", "websocket"}),
            page.headers.end());
}

}  // namespace
}  // namespace wgr::ws
