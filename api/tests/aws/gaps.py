"""What moto forgets or does not know of our resources: with it, a second plan is empty as on the real AWS."""

import json
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.budgets.responses import BudgetsResponse
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ecs.models import Service
from moto.ecs.responses import EC2ContainerServiceResponse


def fill() -> None:
    scalable_targets()
    budgets()
    launch_templates()
    services()
    SecurityGroupRule.description = property(lambda rule: {**rule.source_group, **rule.ip_range}.get("Description"))


def scalable_targets() -> None:
    """Their tags."""
    tags: dict[str, Any] = {}
    register = ApplicationAutoScalingResponse.register_scalable_target

    def registered(asked: ApplicationAutoScalingResponse) -> str:
        told: str = register(asked)
        tags.setdefault(json.loads(told)["ScalableTargetARN"], asked._get_param("Tags") or {})
        return told

    ApplicationAutoScalingResponse.register_scalable_target = registered
    ApplicationAutoScalingResponse.list_tags_for_resource = lambda asked: json.dumps(
        {"Tags": tags[asked._get_param("ResourceARN")]}
    )


def budgets() -> None:
    """Their tags, and whom they tell."""
    tags: dict[str, Any] = {}
    create = BudgetsResponse.create_budget

    def created(asked: BudgetsResponse) -> str:
        tags[asked._get_param("Budget")["BudgetName"]] = asked._get_param("ResourceTags") or []
        told: str = create(asked)
        return told

    def subscribers(asked: BudgetsResponse) -> str:
        budget = asked.backend.budgets[asked._get_param("AccountId")][asked._get_param("BudgetName")]
        wanted = asked._get_param("Notification").items()
        (found,) = (each for each in budget.notifications if wanted <= each.details.items())
        return json.dumps({"Subscribers": found.subscribers})

    BudgetsResponse.create_budget = created
    BudgetsResponse.describe_subscribers_for_notification = subscribers
    BudgetsResponse.list_tags_for_resource = lambda asked: json.dumps(
        {"ResourceTags": tags[asked._get_param("ResourceARN").rpartition("/")[2]]}
    )


def launch_templates() -> None:
    """The tags of a template are not among those that it gives to instances."""
    create = LaunchTemplateBackend.create_launch_template

    def created(backend: Any, name: str, description: str, data: dict[str, Any], tags: dict[str, Any]) -> Any:
        specifications = data.get("TagSpecifications", [])
        data["TagSpecifications"] = [each for each in specifications if each["ResourceType"] != "launch-template"]
        return create(backend, name, description, data, tags)

    LaunchTemplateBackend.create_launch_template = created


def kept(asked: EC2ContainerServiceResponse, name: str) -> Service:
    return asked.ecs_backend.services[f"{asked._get_param('cluster').rpartition('/')[2]}:{name.rpartition('/')[2]}"]


def services() -> None:
    """What of a service's wishes is not kept."""
    create = EC2ContainerServiceResponse.create_service

    def created(asked: EC2ContainerServiceResponse) -> Any:
        told = create(asked)
        service = kept(asked, asked._get_param("serviceName"))
        service.health_check_grace_period_seconds = asked._get_param("healthCheckGracePeriodSeconds")
        service.placement_strategy = asked._get_param("placementStrategy") or []
        service.capacity_provider_strategy = asked._get_param("capacityProviderStrategy") or []
        if service.capacity_provider_strategy:
            service.launch_type = None
        return told

    update = EC2ContainerServiceResponse.update_service

    def updated(asked: EC2ContainerServiceResponse) -> Any:
        """A version called `never` does not come up: its rollout has failed, and none of its tasks runs."""
        told = update(asked)
        service = kept(asked, asked._get_param("service"))
        definition = asked.ecs_backend.describe_task_definition(service.task_definition)
        never = definition.container_definitions[0]["image"].endswith(":never")
        service.running_count = 0 if never else service.desired_count
        service.deployments[0]["rolloutState"] = "FAILED" if never else "COMPLETED"
        return told

    EC2ContainerServiceResponse.create_service = created
    EC2ContainerServiceResponse.update_service = updated
    Service.availability_zone_rebalancing = "DISABLED"
