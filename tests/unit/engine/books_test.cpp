// The books of a run against networks that lie: each lie is an internal fault, exit status 3.
#include "engine/books.hpp"

#include "program/builder.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace orrery {
namespace {

using namespace orrery::literals;
using ::testing::ExitedWithCode;

/// Tells the truth of another network; each lie is a way of not doing so.
class LyingNetwork : public Network {
 public:
  explicit LyingNetwork(std::unique_ptr<Network> honest) : honest_(std::move(honest)) {}

  ResourceId add_resource(BytesPerSecond capacity) override {
    return honest_->add_resource(capacity);
  }
  void set_capacity(ResourceId resource, BytesPerSecond capacity) override {
    honest_->set_capacity(resource, capacity);
  }
  void start(Instant now, const Transfer& transfer) override { honest_->start(now, transfer); }
  Instant advance(Instant limit, std::vector<std::uint32_t>& completed) override {
    return honest_->advance(limit, completed);
  }
  std::vector<RateChange> take_rate_changes() override { return honest_->take_rate_changes(); }
  bool keeps_capacities() const override { return true; }
  std::vector<double> bytes_crossed() const override { return honest_->bytes_crossed(); }

 protected:
  std::unique_ptr<Network> honest_;
};

/// Carries a share of the bytes, of one that is not 1 too few or too many.
class MovesOtherBytes : public LyingNetwork {
 public:
  MovesOtherBytes(std::unique_ptr<Network> honest, double share)
      : LyingNetwork(std::move(honest)), share_(share) {}
  std::vector<double> bytes_crossed() const override {
    std::vector<double> bytes = honest_->bytes_crossed();
    for (double& each : bytes) each *= share_;
    return bytes;
  }

 private:
  double share_;
};

/// Says of everything that it has arrived when it has hardly begun, and that all bytes crossed.
class FinishesEarly : public LyingNetwork {
 public:
  using LyingNetwork::LyingNetwork;
  void start(Instant now, const Transfer& transfer) override {
    flying_.push_back(transfer.owner);
    for (const Crossing& crossing : transfer.crossings) {
      if (crossed_.size() <= index_of(crossing.resource)) {
        crossed_.resize(index_of(crossing.resource) + 1);
      }
      crossed_[index_of(crossing.resource)] += transfer.bytes;
    }
    begun_ = now;
  }
  Instant advance(Instant limit, std::vector<std::uint32_t>& completed) override {
    if (flying_.empty()) return limit;
    completed = std::exchange(flying_, {});
    return begun_ + 1_ns;
  }
  std::vector<RateChange> take_rate_changes() override { return {}; }
  std::vector<double> bytes_crossed() const override { return crossed_; }

 private:
  std::vector<std::uint32_t> flying_;
  std::vector<double> crossed_;
  Instant begun_{};
};

/// Does not tell that links were full.
class HidesRates : public LyingNetwork {
 public:
  using LyingNetwork::LyingNetwork;
  std::vector<RateChange> take_rate_changes() override {
    honest_->take_rate_changes();
    return {};
  }
};

/// One link of a byte per ns, over which two groups send a thousand bytes at once.
class Books : public ::testing::Test {
 protected:
  explicit Books(Bundle bundle = {.bytes = 1000.0}) {
    ProgramBuilder builder("test");
    const ResourceId link =
        builder.add(Resource{.name = "the link", .capacity = BytesPerSecond(1e9)});
    const PatternId pattern = builder.intern(Pattern{{.resource = link}});
    const PlanId plan = builder.intern(TransferPlan{
        .name = "send", .component = Component::dp, .phases = {{.bundles = {bundle}}}});
    const KindId join = builder.intern({.action = Communicate{.slot = 0}});
    ScriptBuilder script("rank");
    script.append(script.lane("only"), join);
    const ScriptId id = builder.add(std::move(script).finish());
    for (std::uint32_t rank = 0; rank < 2; ++rank) {
      const GroupId group = builder.add(
          Group{.members = {{ClassId{rank}, 1}}, .plans = {plan}, .patterns = {pattern}});
      builder.add(RankClass{.script = id, .groups = {group}});
    }
    program_ = std::move(builder).finish();
  }

  std::unique_ptr<Network> fair_share() const {
    return make_fair_share_network(program_.resources);
  }
  std::unique_ptr<Network> alpha_beta() const {
    return make_alpha_beta_network(program_.resources);
  }

  Instant end_on(Network& network) const {
    NullSink nowhere;
    return execute(program_, network, nowhere).end;
  }

  Program program_;
};

/// The same transfers, that reach half of what the link carries and begin after a latency.
class BooksOfSlowTransfers : public Books {
 protected:
  BooksOfSlowTransfers() : Books({.bytes = 1000.0, .latency = 5_us, .rate_cap = 0.5e9}) {}
};

TEST_F(Books, BalanceOnNetworksThatTellTheTruth) {
  EXPECT_EQ(end_on(*fair_share()), simulation_start + 2_us);
  EXPECT_EQ(end_on(*alpha_beta()), simulation_start + 1_us);
  LyingNetwork honest(fair_share());
  EXPECT_EQ(end_on(honest), simulation_start + 2_us);
}

TEST_F(Books, RefuseANetworkThatLosesOrAddsBytes) {
  for (const double share : {0.999'999, 1.000'001}) {
    MovesOtherBytes network(fair_share(), share);
    EXPECT_EXIT(end_on(network), ExitedWithCode(3), "CHECK\\(error <= .*the link");
  }
}

TEST_F(Books, RefuseALinkThatCarriesMoreThanItsCapacityAtOnce) {
  LyingNetwork without_contention(alpha_beta());
  EXPECT_EXIT(end_on(without_contention), ExitedWithCode(3),
              "check_rate.*CHECK\\(bytes_per_second <= .*the link 2e\\+09 1e\\+09");
}

TEST_F(Books, RefuseALinkThatCarriedMoreThanItCouldInAllThatTime) {
  HidesRates network(alpha_beta());
  EXPECT_EXIT(end_on(network), ExitedWithCode(3),
              "check_capacities.*CHECK\\(crossed.*the link 2000 1000");
}

TEST_F(Books, RefuseTransfersThatArriveBeforeTheirLinkCouldCarryThem) {
  FinishesEarly network(fair_share());
  EXPECT_EXIT(end_on(network), ExitedWithCode(3), "check_capacities.*the link 2000");
}

TEST_F(BooksOfSlowTransfers, TakeTheirTime) {
  EXPECT_EQ(end_on(*fair_share()), simulation_start + 7_us);
}

TEST_F(BooksOfSlowTransfers, RefuseTransfersThatArriveBeforeTheirLatencyHasPassed) {
  FinishesEarly network(fair_share());
  EXPECT_EXIT(end_on(network), ExitedWithCode(3), "check_phase.*CHECK\\(took >= bundle.latency");
}

TEST(BooksOfAPhase, RefuseTransfersFasterThanTheyAreAlone) {
  const Phase phase{.bundles = {{.bytes = 1000.0, .latency = 5_us, .rate_cap = 0.5e9}}};
  const TransferPlan plan{.name = "send", .phases = {phase}};

  check_phase(plan, phase, 7_us);
  EXPECT_EXIT(check_phase(plan, phase, 6_us), ExitedWithCode(3), "CHECK\\(late_enough.*send 1000");
}

}  // namespace
}  // namespace orrery
