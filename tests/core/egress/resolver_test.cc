#include "core/egress/resolver.h"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "boost/asio/executor_work_guard.hpp"
#include "gtest/gtest.h"

#include "core/egress/host_name.h"

namespace wgr::egress {
namespace {

constexpr std::chrono::seconds kPatience{5};

class ResolverTest : public testing::Test {
 protected:
  Resolver::Handler keep() {
    return [this](const Resolver::Answer& answer) { answers_.push_back(answer); };
  }
  void run_until_answered(std::size_t count) {
    while (answers_.size() < count && context_.run_one_for(kPatience) != 0) {
    }
  }

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::vector<Resolver::Answer> answers_;
};

TEST_F(ResolverTest, NumericAddressesNeedNoLookup) {
  Resolver resolver{[](const std::string&) -> Resolver::Answer { return {{}, "looked up"}; }};

  resolver.resolve("192.0.2.7", context_, keep());
  resolver.resolve("2001:db8::7", context_, keep());
  EXPECT_TRUE(answers_.empty()) << "never from inside resolve()";
  context_.poll();

  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0].addresses, std::vector{IpAddress::v4(192, 0, 2, 7)});
  EXPECT_EQ(answers_[1].addresses, std::vector{*IpAddress::parse("2001:db8::7")});
  EXPECT_EQ(answers_[0].error, "");
}

TEST_F(ResolverTest, WhatIsNoNameIsNotLookedUp) {
  Resolver resolver{
      [](const std::string&) -> Resolver::Answer { return {{IpAddress::v4(127, 0, 0, 1)}, {}}; }};

  for (const char* text :
       {"", "127.1", "0177.0.0.1", "2130706433", "0x7f.1", "a..b", "example.org.", "fe80::1%eth0"}) {
    resolver.resolve(text, context_, keep());
  }
  context_.poll();

  ASSERT_EQ(answers_.size(), 8u);
  for (const auto& answer : answers_) {
    EXPECT_TRUE(answer.addresses.empty());
    EXPECT_EQ(answer.error, "not a host name");
  }
}

TEST_F(ResolverTest, AnswersComeInOrderOnTheCallersLoop) {
  Resolver resolver{[](const std::string& name) -> Resolver::Answer {
    if (name == "missing.test") return {{}, "no such name"};
    return {{IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(name.size()))}, {}};
  }};

  for (const char* name : {"a.test", "missing.test", "abc.test"}) resolver.resolve(name, context_, keep());
  run_until_answered(3);

  ASSERT_EQ(answers_.size(), 3u);
  EXPECT_EQ(answers_[0].addresses, std::vector{IpAddress::v4(192, 0, 2, 6)});
  EXPECT_EQ(answers_[1].error, "no such name");
  EXPECT_EQ(answers_[2].addresses, std::vector{IpAddress::v4(192, 0, 2, 8)});
}

TEST_F(ResolverTest, TheQueueIsBounded) {
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  Resolver resolver{[opened](const std::string&) -> Resolver::Answer {
    opened.wait();
    return {{IpAddress::v4(192, 0, 2, 1)}, {}};
  }};
  constexpr std::size_t kNames = Resolver::kMaxWaiting + 10;

  for (std::size_t i = 0; i < kNames; ++i) resolver.resolve("host.test", context_, keep());
  context_.poll();
  const std::size_t refused = answers_.size();
  EXPECT_GE(refused, 9u);
  EXPECT_LE(refused, 10u) << "one may be under way";
  for (const auto& answer : answers_) EXPECT_EQ(answer.error, "too many names are waiting");

  gate.set_value();
  run_until_answered(kNames);
  EXPECT_EQ(answers_.size(), kNames);
}

// A name server that does not answer must not hold up the end of the router.
TEST_F(ResolverTest, EndsWhileALookupHangsAndItsAnswerFindsNobody) {
  auto started = std::make_shared<std::promise<void>>();
  auto gate = std::make_shared<std::promise<void>>();
  auto finished = std::make_shared<std::promise<void>>();
  std::future<void> has_finished = finished->get_future();
  {
    Resolver resolver{
        [started, opened = gate->get_future().share(), finished](const std::string&) -> Resolver::Answer {
          started->set_value();
          opened.wait();
          finished->set_value();
          return {{IpAddress::v4(192, 0, 2, 1)}, {}};
        }};
    resolver.resolve("slow.test", context_, keep());
    resolver.resolve("waiting.test", context_, keep());
    started->get_future().wait();
  }
  gate->set_value();
  ASSERT_EQ(has_finished.wait_for(kPatience), std::future_status::ready);
  context_.poll();

  EXPECT_TRUE(answers_.empty());
}

TEST(LookUpTest, LocalhostIsTheLoopback) {
  const Resolver::Answer answer = look_up("localhost");

  ASSERT_FALSE(answer.addresses.empty()) << answer.error;
  for (const IpAddress& address : answer.addresses) EXPECT_TRUE(address.is_loopback()) << address.to_string();
}

TEST(HostNameTest, LettersDigitsHyphensAndDots) {
  const std::string label(63, 'a');
  for (const std::string& name :
       {std::string{"localhost"}, std::string{"vpn.example.org"}, std::string{"A-1.b_c.x"},
        std::string{"xn--bcher-kva.example"}, std::string{"1.2.3.4.example"}, std::string{"3com.com"},
        label + "." + label + "." + label + "." + label.substr(2)}) {
    EXPECT_TRUE(is_host_name(name)) << name;
  }
  for (const std::string& name :
       {std::string{""}, std::string{"."}, std::string{"a."}, std::string{".a"}, std::string{"a..b"},
        std::string{"-a"}, std::string{"a-"}, std::string{"a b"}, std::string{"a%41"},
        std::string{"b\xc3\xbc"
                    "cher"},
        std::string{"1.2.3.4"}, std::string{"127.1"}, std::string{"0x7f000001"}, std::string{"a.0x7f"},
        std::string{"1"}, std::string{"::1"}, std::string{"a\0b", 3}, label + "a.org",
        label + "." + label + "." + label + "." + label}) {
    EXPECT_FALSE(is_host_name(name)) << name;
  }
}

}  // namespace
}  // namespace wgr::egress
