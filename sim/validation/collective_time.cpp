#include "validation/collective_time.hpp"

#include "collective/choose.hpp"
#include "collective/transfer_plan.hpp"
#include "engine/engine.hpp"
#include "network/network.hpp"
#include "program/builder.hpp"

#include <fmt/format.h>

#include <map>
#include <string>

namespace orrery {

namespace {

/// A program in which all members join one operation. Every link is a resource of its own.
class OneOperation {
 public:
  OneOperation(const Cluster& cluster, std::size_t members)
      : cluster_(cluster), members_(static_cast<Multiplicity>(members)), program_("collective") {}

  Program make(const Shape& shape, TransferPlan plan);

 private:
  ResourceId resource(LinkId link);
  Pattern pattern(const BundleShape& bundle);
  Script script();

  const Cluster& cluster_;
  Multiplicity members_;
  ProgramBuilder program_;
  std::map<LinkId, ResourceId> resources_;
};

ResourceId OneOperation::resource(LinkId link) {
  const auto known = resources_.find(link);
  if (known != resources_.end()) return known->second;
  const Link& stated = cluster_.link(link);
  // Nobody reads its name, and a switch with a port for every node would be asked for each.
  const ResourceId id = program_.add(Resource{.name = fmt::format("link {}", index_of(link)),
                                              .kind = std::string(to_string(stated.kind)),
                                              .capacity = stated.capacity,
                                              .count = 1});
  resources_.emplace(link, id);
  return id;
}

Pattern OneOperation::pattern(const BundleShape& bundle) {
  std::map<ResourceId, std::uint64_t> weights;
  for (const LinkCrossing& crossing : bundle.crossings) {
    weights[resource(crossing.link)] += crossing.weight;
  }
  Pattern pattern;
  for (const auto& [id, weight] : weights) pattern.push_back({id, weight});
  return pattern;
}

Script OneOperation::script() {
  ScriptBuilder script("member");
  script.lane("compute");
  const std::uint16_t slot = script.slot("all");
  const KindId joins = program_.intern(
      Kind{.name = "collective", .component = Component::other, .action = Communicate{slot, 0}});
  script.append(script.lane("collective"), joins);
  return std::move(script).finish();
}

Program OneOperation::make(const Shape& shape, TransferPlan plan) {
  Group group{.name = "all", .count = 1, .members = {{id_at<ClassId>(0), members_}}};
  for (const PhaseShape& phase : shape.phases) {
    for (const BundleShape& bundle : phase.bundles) {
      group.patterns.push_back(program_.intern(pattern(bundle)));
    }
  }
  group.plans.push_back(program_.intern(std::move(plan)));
  const ScriptId script_id = program_.add(script());
  program_.add(RankClass{.script = script_id, .count = members_, .groups = {id_at<GroupId>(0)}});
  program_.add(std::move(group));
  IdVector<RankId, ClassId> classes;
  for (Multiplicity i = 0; i < members_; ++i) classes.push_back(id_at<ClassId>(0));
  program_.set_class_of_rank(std::move(classes));
  return std::move(program_).finish();
}

}  // namespace

Seconds time_alone(const LoneCollective& collective, const Cluster& cluster) {
  const auto& [kind, size, members, tuning, tokens] = collective;
  const Choice choice = Chooser(members, cluster, tuning).choose(kind, size, tokens);
  const ShapeOptions options(Steps::bundled, tokens.spread);
  const Shape shape = choice.algorithm->shape(kind, members, cluster, options);
  TransferPlan plan = make_transfer_plan({shape, choice, kind, size, members.size()});
  const Program program = OneOperation(cluster, members.size()).make(shape, std::move(plan));
  const auto network = make_fair_share_network(program.resources);
  NullSink nowhere;
  return to_seconds(execute(program, *network, nowhere).end);
}

}  // namespace orrery
