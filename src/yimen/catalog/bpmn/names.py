"""Names of the standard's namespaces and our own, and the kinds of elements."""

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DD = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
# What a step has beyond the standard stands under this name in extensionElements.
OURS = "urn:yimen:flow:1"

TASKS = frozenset(
    {"task", "userTask", "manualTask", "serviceTask", "scriptTask", "sendTask", "receiveTask", "businessRuleTask"}
)
GATEWAYS = frozenset({"parallelGateway", "exclusiveGateway", "inclusiveGateway"})
# What is led through from its start to its ends.
CONTAINERS = frozenset({"subProcess", "transaction"})
# Events that are waited for or sent in the midst of a flow, and are done like a step.
AWAITED = frozenset(
    {"messageEventDefinition", "timerEventDefinition", "signalEventDefinition", "conditionalEventDefinition"}
)
SENT = frozenset({"messageEventDefinition", "signalEventDefinition"})
NODES = TASKS | GATEWAYS | {"startEvent", "endEvent", "subProcess"}
STRUCTURE = frozenset(
    {"process", "collaboration", "participant", "laneSet", "lane", "sequenceFlow", "extensionElements"}
)

# Elements of the model that are counted; everything else in it is a part of one of these.
COUNTED = (
    NODES
    | STRUCTURE
    | {
        *("eventBasedGateway", "complexGateway", "callActivity", "transaction", "adHocSubProcess", "globalTask"),
        *("globalUserTask", "globalManualTask", "globalScriptTask", "globalBusinessRuleTask"),
        *("boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent", "message", "messageFlow"),
        *("messageEventDefinition", "timerEventDefinition", "errorEventDefinition"),
        *("dataObject", "dataObjectReference", "dataStoreReference", "textAnnotation", "association", "group"),
        *("choreography", "choreographyTask", "subChoreography", "callChoreography", "conversation"),
        *("subConversation", "callConversation", "conversationLink"),
    }
)
