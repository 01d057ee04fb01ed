/** Short names for the types of the REST API that the page reads. */

import type { components, paths } from "./api-types";

type Schemas = components["schemas"];

export type Visit = Schemas["VisitView"];
/** The answer to a call that changes the visit: the visit, or the message that it was deleted. */
export type VisitAnswer = Visit | Schemas["WipedView"];
export type VisitState = Visit["state"];
export type Person = Schemas["PersonView"];
export type Picture = Schemas["PictureView"];
export type Slider = Schemas["Slider"];
/** Slider values by attribute. */
export type SliderValues = Schemas["SliderValues"];
/** Another face, and the layers to take from it. */
export type PersonMix = Schemas["PersonMix"];
export type Failure = Schemas["Failure"];
export type Progress = Schemas["ProgressView"];
/** The payloads of the visit's event stream, by the name of the event. */
export type VisitEvents = paths["/api/v1/visit/events"]["get"]["events"];
/** A generated face, with its seed. */
export type Sample = Schemas["SampleView"];
export type Download = Schemas["DownloadView"];
/** The forms that the finish screen offers. */
export type DownloadForm = Exclude<Download["form"], "family">;
export type ExportCode = Schemas["ExportCodeView"];
export type Export = Schemas["ExportView"];
export type Job = Schemas["JobView"];

/** The settings that the page reads. */
export type Booth = Omit<Schemas["BoothView"], "ready" | "lan">;
export type BoothSettings = Schemas["BoothSettings"];
export type Printer = Schemas["PrinterView"];
export type RecentPrint = Schemas["RecentPrintView"];
export type OperatorState = Schemas["OperatorView"];

export type LabFace = Required<paths["/api/v1/lab/face"]["get"]["query"]>;
export type Generator = Schemas["GeneratorFacts"];
export type Axis = Schemas["Axis"];
export type Inspection = Schemas["Inspection"];
export type Drag = Schemas["DragView"];
export type Cast = Schemas["CastView"];
export type CastPerson = Schemas["CastPersonView"];
export type CastOptions = Schemas["CastOptionsView"];
export type CastEstimate = Schemas["CastEstimate"];
export type CastOrder = paths["/api/v1/casts"]["post"]["body"];
export type CastFormat = Required<paths["/api/v1/casts/{id}/zip"]["get"]["query"]>["format"];
