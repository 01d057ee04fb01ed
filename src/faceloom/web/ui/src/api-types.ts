/** Types of the REST API. Generated from the OpenAPI document: do not edit, run "python hatch_build.py generate". */

export interface components {
  schemas: {
    /** A face of a photo and its attributes. */
    AnalyzedFaceView: {
      number: number;
      box: [number, number, number, number];
      traits: Record<string, number>;
    };
    /** The attributes of every face of a photo, the largest face first. */
    AnalyzedView: {
      faces: components["schemas"]["AnalyzedFaceView"][];
      size: [number, number];
      notes: string[];
    };
    /** A discovered axis: its number from 1, a name by the attributes that it changes, and its share of the variance. */
    Axis: {
      number: number;
      name: string;
      explained: number;
    };
    Body_operator_save_artwork: {
      picture: Blob;
    };
    Body_programs_analyze: {
      /** JPEG, PNG, WebP, GIF, AVIF; at most 20 MB */
      photo: Blob;
    };
    Body_programs_detect: {
      /** JPEG, PNG, WebP, GIF, AVIF; at most 20 MB */
      photo: Blob;
    };
    Body_programs_encode: {
      /** JPEG, PNG, WebP, GIF, AVIF; at most 20 MB */
      photo: Blob;
      /** Number of the face, from 0 */
      face?: number;
      seconds?: number;
      /** Whether the guardians of all minors in the photo agree */
      guardian?: boolean;
    };
    Body_verify_verify: {
      /** A picture, an MP4 film, a WAV sound or a likeness; at most 20 MB */
      file: Blob;
    };
    Body_visit_send_photo: {
      photo: Blob;
    };
    Body_visit_send_photo_from_phone: {
      photo: Blob;
    };
    /** The settings of a booth. */
    BoothSettings: {
      /** The event's name, shown on the first screen */
      event?: string;
      look?: "auto" | "dark" | "light";
      languages?: ("en" | "de" | "es" | "fr")[];
      /** Minutes without a request until a visit is erased */
      retention_minutes?: number;
      /** Minutes until a download is erased */
      take_minutes?: number;
      /** Seconds without input until the page asks whether the visitor is there */
      idle_seconds?: number;
      /** Camera of the booth's own screen: the browser's, or one that the booth opens */
      camera?: "browser" | "webcam" | "dslr" | "pi";
      /** Seconds that the page counts down before the photo */
      countdown?: number;
      sound?: boolean;
      /** Seconds that an encoding may take */
      encode_seconds?: number;
      /** Seconds of improvement in the background after an encoding */
      improve_seconds?: number;
      kiosk?: boolean;
      /** Whether visitors may put a picture into the gallery */
      gallery?: boolean;
      /** Whether the first screen shows the gallery */
      slideshow?: boolean;
      lab?: boolean;
      /** Whether a phone may send the photo, if it reaches the booth */
      phone?: boolean;
      /** Most people of a cast; 0 closes casts */
      cast_people?: number;
      /** Largest side of the pictures of a cast in pixels */
      cast_size?: number;
      /** Megabytes that all casts together may take */
      cast_space?: number;
      /** Youngest age in years, as the analyzer reads it, without a guardian; 0: none */
      min_age?: number;
      /** For younger people: a guardian is asked, or they are refused */
      minors?: "guardian" | "refuse";
      /** Name of a CUPS printer */
      printer?: string;
      /** Most copies that a visitor prints at once */
      copies?: number;
      /** Most pictures that a visit prints; 0 is no limit */
      print_quota?: number;
      print_template?: "portrait" | "landscape";
      /** Color of the paper's ground */
      print_paper?: string;
      /** Color of the texts on paper */
      print_ink?: string;
      /** Whether the date is printed below the event's name */
      print_date?: boolean;
      /** Whether pictures carry a visible label: AI-generated */
      label_shown?: boolean;
      /** Words of the visible label */
      label_text?: string;
      /** Corner of the visible label */
      label_place?: "bottom right" | "bottom left" | "top right" | "top left";
      /** Whether programs may ask for pictures without marks; each one is logged */
      unmarked_api?: boolean;
    };
    /** Facts that every page reads: settings, whether the worker is ready, and whether phones reach the booth. `camera` is the camera for this page: `browser` on every screen except the booth's own. */
    BoothView: {
      event: string;
      look: "auto" | "dark" | "light";
      languages: ("en" | "de" | "es" | "fr")[];
      retention_minutes: number;
      take_minutes: number;
      idle_seconds: number;
      countdown: number;
      sound: boolean;
      kiosk: boolean;
      gallery: boolean;
      slideshow: boolean;
      lab: boolean;
      phone: boolean;
      printing: boolean;
      copies: number;
      ready: boolean;
      lan: boolean;
      /** Names of the styles that a person can be drawn in */
      styles: string[];
      camera: "browser" | "webcam" | "dslr" | "pi";
    };
    /** A joint group of a cast: how many people it should hold, how many were drawn, and how many of those lie in it. */
    CastCellView: {
      cell: string;
      share: number;
      people: number;
      drawn: number;
      met: number;
    };
    /** The expected seconds and bytes of a cast, from a trial of some people; `peak_bytes` are needed on the way. */
    CastEstimate: {
      people: number;
      pictures: number;
      trial_people: number;
      seconds: number;
      bytes: number;
      peak_bytes: number;
      cells: components["schemas"]["TriedCell"][];
    };
    /** The id of a cast that is done. */
    CastIdView: {
      cast: string;
    };
    /** The limits and choices of casts on this server. */
    CastOptionsView: {
      /** Most people of a cast */
      people: number;
      /** Largest side of the pictures in pixels */
      size: number;
      /** Formats of archives whose libraries are installed */
      formats: ("imagefolder" | "coco" | "webdataset" | "nvidia" | "parquet")[];
    };
    /** A person of a cast: the number from 1, the cell, and the address of the first picture, or null without one. */
    CastPersonView: {
      number: number;
      cell: string;
      /** Whether the picture lies in the cell, and the readings agree about it */
      met: boolean;
      /** Reason why not, or '' */
      problem: string;
      traits: Record<string, number>;
      pictures: number;
      image: string | null;
    };
    /** Numbers of people, from 1, who are replaced by others of their cells. */
    CastReplacement: {
      people: number[];
    };
    /** A cast: a brief, or a plan as plain data. The other fields take the place of the plan's own. */
    CastRequest: {
      /** As '12 film extras, 20 to 70, half women, neutral' */
      brief?: string;
      /** The keys of a plan's TOML file: people, attributes, cells, pictures, splits and others */
      plan?: Record<string, unknown>;
      /** Another seed gives other people */
      seed?: number | null;
      /** Side of the pictures in pixels, 512 unless the plan says so */
      size?: number | null;
      background?: "generated" | "transparent" | "white" | "gray" | "green" | null;
    };
    /** A cast, while it is made and afterwards. `job` is the latest: the casting, or a replacement of people. */
    CastView: {
      id: string;
      name: string;
      people: number;
      /** Number of pictures of all people */
      pictures: number;
      /** Side of the pictures in pixels */
      size: number;
      state: "casting" | "replacing" | "done" | "failed";
      job: components["schemas"]["JobView"];
      cells: components["schemas"]["CastCellView"][];
      /** The people who are cast already, by number */
      cast: components["schemas"]["CastPersonView"][];
      /** Number of people with a problem */
      problems: number;
      /** The plan as plain data, with which the same cast is made again */
      plan: Record<string, unknown>;
      /** Time at which the cast is erased, ISO 8601, UTC */
      expires: string;
    };
    /** A child of two likenesses: its number among the siblings of a seed, its age, and the parent that it resembles. */
    ChildRequest: {
      a: string;
      b: string;
      seed?: number;
      number?: number;
      /** Age in years; another generator ignores it */
      age?: number;
      /** 0 takes after `a`, 1 after `b` */
      balance?: number;
    };
    /** The children of two people. */
    ChildrenView: {
      children: components["schemas"]["PersonView"][];
    };
    /** Numbers of the chosen faces of the photo. */
    ChosenFaces: {
      chosen: number[];
    };
    /** A consent: the version of the text, and the time (ISO 8601, UTC). */
    Consent: {
      at: string;
      text: string;
      retention_minutes: number;
      kind: "visitor" | "guardian" | "program";
    };
    /** The visitor's answer to the request for consent. */
    ConsentAnswer: {
      agreed: boolean;
    };
    /** The faces of a photo, largest first; `size` is width and height of the photo in pixels. */
    DetectedView: {
      faces: components["schemas"]["PhotoFace"][];
      size: [number, number];
      notes: string[];
    };
    /** The boxes that passed each of the detector's three networks, and five points a face; fractions of the photo. */
    DetectorTrace: {
      proposed: [number, number, number, number][];
      sieved: [number, number, number, number][];
      boxes: [number, number, number, number][];
      scores: number[];
      points: [number, number][][];
    };
    /** Bytes of the disk; `low` is whether the operator should free some. */
    DiskView: {
      free: number;
      total: number;
      low: boolean;
    };
    /** The addresses of a download. */
    DownloadView: {
      id: string;
      form: "single" | "strip" | "4x6" | "paste_back" | "film" | "family";
      /** Address of the file */
      download: string;
      /** Address of the page for a phone */
      page: string;
      /** Address of the QR code of that page */
      qr: string;
      /** Whether a phone reaches the page */
      reachable: boolean;
      /** Address of the recipe, as JSON */
      recipe: string;
      expires: string;
      gallery: boolean;
    };
    /** The downloads of a visit. */
    DownloadsView: {
      takes: components["schemas"]["DownloadView"][];
    };
    /** A drag: each handle is moved to its target. Points are (x, y) in fractions of the picture's sides. */
    DragRequest: {
      seed?: number;
      person?: string;
      /** Truncation: 0 is the mean face */
      psi?: number;
      /** Number of layers that are truncated, the coarsest first */
      cutoff?: number;
      /** Method that discovered the axes */
      method?: "pca" | "sefa";
      x_axis?: number;
      /** Standard deviations along the first axis */
      x?: number;
      y_axis?: number;
      /** Standard deviations along the second axis */
      y?: number;
      /** Layers that are moved */
      layers?: "all" | "coarse" | "middle" | "fine";
      /** Side of the picture in pixels */
      size?: number;
      handles: [number, number][];
      targets: [number, number][];
      /** Radius around the paths; the face outside is held. 0: nothing is */
      around?: number;
    };
    /** A drag. Its figures are missing until the first step is done; lengths are fractions of the picture's side. */
    DragView: {
      id: string;
      state: "running" | "stopped" | "done" | "failed";
      error: components["schemas"]["Failure"] | null;
      image: string | null;
      number?: number | null;
      /** Largest distance of a handle to its target */
      distance?: number | null;
      arrived?: boolean | null;
      handles?: [number, number][] | null;
    };
    /** The outcome of an edit: what it reached, and what stopped it. */
    EditOutcome: {
      /** Value that each edited attribute reached, in the units of the request */
      reached: Record<string, number>;
      /** Attributes whose bounds stopped the edit, the tightest first; `identity` is one of them */
      limited_by: string[];
      /** Whether the edit reached every requested value within all bounds */
      kept: boolean;
    };
    /** A code with which a phone can take the visitor's own data. */
    ExportCodeView: {
      /** Address of the page that offers the data */
      page: string;
      /** Address of the QR code of that page */
      qr: string;
      /** Whether a phone reaches the page; otherwise only this machine does */
      reachable: boolean;
      /** Time at which the code expires, ISO 8601, UTC; it ends with the visit, too */
      expires: string;
    };
    /** The data of a visit that a code leads to. */
    ExportView: {
      /** Address of the zip */
      file: string;
      /** Time at which the address expires, ISO 8601, UTC */
      expires: string;
    };
    /** An error as it is stored and sent: a code for programs, a message and a hint for people. */
    Failure: {
      code: string;
      message: string;
      hint: string;
    };
    /** A family portrait: the parents `a` and `b`, and up to six of their children. */
    FamilyRequest: {
      a: string;
      b: string;
      children: string[];
    };
    /** A film: two people, `a` and `b`, who morph into each other, or one `person` from as encoded to as shown now. */
    FilmRequest: {
      a?: string | null;
      b?: string | null;
      person?: string | null;
    };
    /** The download that holds a finished film. */
    FilmView: {
      take: string;
    };
    /** A person, and the form of the download. */
    FinishRequest: {
      person: string;
      form?: "single" | "strip" | "4x6" | "paste_back" | "film";
    };
    /** A face in a camera frame: left, top, width and height as fractions of the frame. */
    FrameFaceView: {
      box: [number, number, number, number];
    };
    /** The faces in a camera frame. */
    FrameFacesView: {
      faces: components["schemas"]["FrameFaceView"][];
    };
    /** The code of another visit. */
    FriendCodeEntry: {
      code: string;
    };
    /** A code with which another visit can join, and the seconds for which it is valid. */
    FriendCodeView: {
      code: string;
      seconds: number;
    };
    /** The number of visits that joined this one. */
    FriendCountView: {
      friends: number;
    };
    /** A choice to show a picture in the gallery or not. */
    GalleryChoice: {
      shown: boolean;
    };
    /** A picture of the gallery; `until` is the time at which its download expires. */
    GalleryPictureView: {
      id: string;
      image: string;
      until: string;
    };
    /** The pictures of the gallery. */
    GalleryView: {
      pictures: components["schemas"]["GalleryPictureView"][];
    };
    /** A seed and the truncation of the generated face. */
    GenerateRequest: {
      seed?: number;
      /** Truncation: 0 is the mean face, 1 is none */
      psi?: number;
    };
    /** The generator's name, resolution, layers, and the methods that discover axes. */
    GeneratorFacts: {
      name: string;
      resolution: number;
      layers: components["schemas"]["LayerFacts"][];
      methods: string[];
    };
    /** Readiness of the worker; `error` is the reason why it cannot start. */
    HealthView: {
      ready: boolean;
      error: components["schemas"]["Failure"] | null;
    };
    /** Intermediate results of the detector, LPIPS and the generator for a person. */
    Inspection: {
      detector: components["schemas"]["DetectorTrace"];
      distance: number;
      quality: components["schemas"]["Quality"];
      layers: components["schemas"]["LayerStyleFacts"][];
    };
    /** A job: an encoding, a film or a cast. `url` is the address of the film or the cast when it is done. */
    JobView: {
      id: string;
      kind: "encode" | "film" | "morph" | "cast";
      state: "running" | "done" | "failed";
      /** Finished part, 0...1 */
      progress: number;
      /** Seconds until the job is done, or null before that is known */
      seconds_left: number | null;
      error: components["schemas"]["Failure"] | null;
      url: string | null;
      result: components["schemas"]["LikenessView"] | components["schemas"]["FilmView"] | components["schemas"]["CastIdView"] | null;
    };
    /** A layer's resolution in pixels and its group: coarse, middle or fine. */
    LayerFacts: {
      resolution: number;
      group: string;
    };
    /** One layer's style: how rare it is (1 is usual), and its channels' factors against the mean face. */
    LayerStyleFacts: {
      layer: number;
      resolution: number;
      group: string;
      rarity: number;
      channels: number[];
    };
    /** An edit of a likeness: its id, and slider values or words. */
    LikenessEdit: {
      likeness: string;
      /** Changes in English words, as 'ten years older, no glasses'; from what the picture shows */
      say?: string | null;
      /** Whether the edit may change other attributes beyond their bounds */
      force?: boolean;
      /** Age: change in years */
      age?: number | null;
      /** Smile: probability */
      smile?: number | null;
      /** Glasses: probability */
      glasses?: number | null;
      /** Turn: change in degrees */
      yaw?: number | null;
      /** Nod: change in degrees */
      pitch?: number | null;
      /** Mouth: probability */
      mouth_open?: number | null;
      /** Man, woman: probability */
      gender?: number | null;
      /** Eyes: change in points */
      eye_opening?: number | null;
      /** Brows: change in points */
      brows?: number | null;
      /** Beard: probability */
      beard?: number | null;
      /** Hair color: change in points */
      hair_lightness?: number | null;
      /** Warmth of the hair: change in points */
      hair_warmth?: number | null;
      /** Hair length: probability */
      hair_length?: number | null;
      /** Skin tone: change in degrees */
      skin_tone?: number | null;
      /** Face: change in points */
      face_fullness?: number | null;
    };
    /** A mix of likenesses: `a` receives layers of `b`, which may be `seed:7`. */
    LikenessMix: {
      a: string;
      b: string;
      layers?: string;
    };
    /** A likeness of the API: `likeness` is its id. */
    LikenessView: {
      likeness: string;
      /** Address of the current picture */
      image: string;
      /** Address of the .likeness file */
      file: string;
      quality: components["schemas"]["Quality"];
      traits: Record<string, number>;
      /** Requested value of every slider */
      controls: Record<string, number>;
      /** Outcome of the edit to these values */
      outcome: components["schemas"]["EditOutcome"];
      sliders: components["schemas"]["Slider"][];
      /** Clauses of `say` that were taken for other words */
      reworded: components["schemas"]["WordingView"][];
    };
    /** The operator's PIN. */
    Login: {
      pin: string;
    };
    /** The last lines of the log. */
    LogsView: {
      lines: string[];
    };
    /** Bytes of memory that the server and the worker use. */
    MemoryView: {
      server: number;
      worker: number | null;
    };
    /** The worker: its generator, whether it is ready, and how often it was restarted. */
    ModelView: {
      generator: string | null;
      sliders: boolean | null;
      workers: number | null;
      ready: boolean;
      restarts: number;
    };
    /** Two likenesses that morph into each other in a film. */
    MorphRequest: {
      a: string;
      b: string;
    };
    /** The state of the booth for its operator. */
    OperatorView: {
      version: string;
      /** Seconds since the start */
      uptime: number;
      model: components["schemas"]["ModelView"];
      error: components["schemas"]["Failure"] | null;
      disk: components["schemas"]["DiskView"];
      memory: components["schemas"]["MemoryView"];
      /** Number of encodings that wait or run */
      queue: number;
      visits: number;
      /** Number of things that could not be erased yet */
      unerased: number;
      /** Number of downloads */
      takes: number;
      gallery: number;
      address: string;
      lan: string | null;
      /** Counts over all days, without personal data */
      counts: Record<string, number>;
      /** Whether the operator has set a PIN */
      own_pin: boolean;
      /** Which of logo and frame are there */
      artwork: string[];
    };
    /** Two people, and a seed for their children. Children `first` to `first + count - 1` of the seed are made. `balance` is 0 for children that take after `a`, 1 for children that take after `b`. Another generator than the default one ignores `age`. */
    Parents: {
      a: string;
      b: string;
      seed?: number;
      /** Age of the children in years */
      age?: number;
      balance?: number;
      first?: number;
      count?: number;
    };
    /** A mix: the other face (a person's id, `seed:7` or `sample:1`), and the layers that come from it. */
    PersonMix: {
      with: string;
      layers?: string;
    };
    /** A person of the visit. */
    PersonView: {
      id: string;
      number: number;
      /** Whether the likeness is ready to be edited */
      playable: boolean;
      /** Whether the likeness is still being improved in the background */
      better: boolean;
      error: components["schemas"]["Failure"] | null;
      /** Address of the current picture */
      image: string;
      /** Address of the picture as encoded, before any edit */
      found: string | null;
      /** Address of the aligned crop of the photo */
      crop: string | null;
      /** Address of previews; slider values are its query parameters */
      preview: string;
      quality: components["schemas"]["Quality"];
      /** Attributes of the current picture */
      traits: Record<string, number>;
      sliders: components["schemas"]["Slider"][];
      /** Requested value of every slider */
      controls: Record<string, number>;
      /** Outcome of the edit to these values */
      outcome: components["schemas"]["EditOutcome"];
      /** Name of the style of the picture; empty for a photo */
      style: string;
      can_undo: boolean;
      can_redo: boolean;
      /** Steps that the visitor kept */
      kept: components["schemas"]["PictureView"][];
      /** Ids of the parents and of their ancestors */
      lineage: string[];
    };
    /** The state of the visit for which a phone sent a photo. */
    PhoneView: {
      state: "consent" | "camera" | "who" | "encoding" | "play" | "friend" | "finish";
    };
    /** A face in the visit's photo; `size` is its side in pixels. */
    PhotoFace: {
      number: number;
      box: [number, number, number, number];
      size: number;
    };
    /** A picture: the id of what it shows, and its address. */
    PictureView: {
      id: string;
      image: string;
    };
    /** The answer of a printer that accepted a picture; `left` is how many more this visit may print, or null. */
    PrintedView: {
      printed: boolean;
      left: number | null;
    };
    /** A printer of this machine, its state, and the reason that CUPS gives for it. */
    PrinterView: {
      name: string;
      state: "idle" | "printing" | "stopped";
      reason: string;
    };
    /** The printers of this machine. */
    PrintersView: {
      printers: components["schemas"]["PrinterView"][];
    };
    /** Measures of the likeness against its photo; every field is null for a generated face. */
    Quality: {
      lpips: number | null;
      mse: number | null;
      /** Identity similarity to the photo, a cosine of -1...1 */
      identity: number | null;
      word: string | null;
    };
    /** A picture that was printed and is still stored: its download, the copies, and the time. */
    RecentPrintView: {
      id: string;
      image: string;
      copies: number;
      at: string;
    };
    /** The last prints, the latest first. */
    RecentPrintsView: {
      prints: components["schemas"]["RecentPrintView"][];
    };
    /** Facts about the making of a download; `faceloom` is the version. A film has only its form. */
    Recipe: {
      form: "single" | "strip" | "4x6" | "paste_back" | "film" | "family";
      faceloom?: string | null;
      controls?: Record<string, number> | null;
      coefficients?: Record<string, number> | null;
      quality?: components["schemas"]["Quality"] | null;
      /** Whether layers of another face were mixed in */
      mixed?: boolean | null;
      ai_generated?: boolean | null;
    };
    /** A generated face: its seed and the address of its picture. */
    SampleView: {
      id: string;
      seed: number;
      image: string;
    };
    /** Generated faces for the first screen, and to mix with. */
    SamplesView: {
      samples: components["schemas"]["SampleView"][];
    };
    /** A screen that the page can open by itself. */
    Screen: {
      state: "play" | "friend" | "finish";
    };
    /** A short film of a person: `reveal` from a child to an old face, `boomerang` a smile there and back. */
    ShowRequest: {
      kind?: "reveal" | "boomerang";
      animated?: boolean;
    };
    /** The answer of a booth that ends; `machine` is whether a command that may switch the machine off was run. */
    ShutdownView: {
      machine: boolean;
    };
    /** One slider of a person: its range, its unit, and the value `me` at which it changes nothing. */
    Slider: {
      name: string;
      min: number;
      max: number;
      unit: "years" | "degrees" | "probability" | "points";
      me: number;
    };
    /** Slider values: changes in years and degrees, and probabilities. */
    SliderValues: {
      /** Age: change in years */
      age?: number | null;
      /** Smile: probability */
      smile?: number | null;
      /** Glasses: probability */
      glasses?: number | null;
      /** Turn: change in degrees */
      yaw?: number | null;
      /** Nod: change in degrees */
      pitch?: number | null;
      /** Mouth: probability */
      mouth_open?: number | null;
      /** Man, woman: probability */
      gender?: number | null;
      /** Eyes: change in points */
      eye_opening?: number | null;
      /** Brows: change in points */
      brows?: number | null;
      /** Beard: probability */
      beard?: number | null;
      /** Hair color: change in points */
      hair_lightness?: number | null;
      /** Warmth of the hair: change in points */
      hair_warmth?: number | null;
      /** Hair length: probability */
      hair_length?: number | null;
      /** Skin tone: change in degrees */
      skin_tone?: number | null;
      /** Face: change in points */
      face_fullness?: number | null;
    };
    /** The name of one of the booth's styles, or an empty one for a photo. */
    StyleChoice: {
      style: string;
    };
    /** A cell after a trial; `can_draw` is null for a cell that was not tried, and `reason` says why it is false. */
    TriedCell: {
      cell: string;
      share: number;
      people: number;
      can_draw: boolean | null;
      reason: string;
    };
    /** One layer of marks in a file: its state, and a sentence about it. */
    VerifiedLayerView: {
      name: string;
      state: string;
      detail: string;
    };
    /** The marks in a file: the verdict, its layers, and what they say about the making; '' where they do not. */
    VerifiedView: {
      verdict: string;
      layers: components["schemas"]["VerifiedLayerView"][];
      kind: string;
      generator: string;
      day: string;
    };
    /** A visit: everything that a page needs to show its current screen. */
    VisitView: {
      id: string;
      state: "consent" | "camera" | "who" | "encoding" | "play" | "friend" | "finish";
      /** Time at which the visit is erased, ISO 8601, UTC */
      expires: string;
      seconds_left: number;
      consent: components["schemas"]["Consent"] | null;
      /** Address of the photo */
      photo: string | null;
      /** Width and height of the photo in pixels */
      size: [number, number] | null;
      faces: components["schemas"]["PhotoFace"][];
      notes: string[];
      people: components["schemas"]["PersonView"][];
      /** People of visits that joined this one; they cannot be edited here */
      friends: components["schemas"]["PictureView"][];
      /** Address of the page on which a phone can send the photo */
      phone: string | null;
    };
    /** A visit that is over and erased. */
    WipedView: {
      state: "wiped";
    };
    /** A clause of other words than the grammar knows, the phrase that it is taken for, and their cosine, 0...1. */
    WordingView: {
      clause: string;
      phrase: string;
      similarity: number;
    };
    /** The body of every error response. */
    ErrorBody: {
      error: components["schemas"]["Failure"];
    };
    /** Progress of an encoding; `quality` is the identity similarity to the photo, 0...1. */
    ProgressView: {
      person: string;
      seconds: number;
      seconds_left: number;
      quality: number | null;
      word: string | null;
      image: string;
      playable: boolean;
    };
    /** The number of encodings before the visit's own. */
    QueueView: {
      place: number;
    };
    /** The shutter button of the booth was pressed. */
    ShutterView: {
      pressed: true;
    };
    /** A visit that is over, of which something could not be erased yet: the booth tries again every few seconds. */
    WipePendingView: {
      state: "wiped";
      pending: true;
    };
  };
}

export interface paths {
  "/api/v1/visits": {
    /** Begin a visit in this browser. The browser's earlier visit is erased. */
    post: {
      response: components["schemas"]["VisitView"];
    };
  };
  "/api/v1/visit": {
    /** Return the visit of this browser. */
    get: {
      response: components["schemas"]["VisitView"];
    };
    /** Erase the visit and all of its data now, including its downloads. Running work is canceled. Answers 507 `erase_pending` when the disk keeps something from being erased. The visit is over then, the booth tries again every few seconds, and so does this request. */
    delete: {
      response: undefined;
    };
  };
  "/api/v1/visit/end": {
    /** Erase the visit; its downloads stay until they expire. Answers 507 `erase_pending` as `DELETE` does. */
    post: {
      response: undefined;
    };
  };
  "/api/v1/visit/consent": {
    /** Agree to pictures, or decline: then the visit is erased. */
    post: {
      body: components["schemas"]["ConsentAnswer"];
      response: components["schemas"]["VisitView"] | components["schemas"]["WipedView"];
    };
  };
  "/api/v1/visit/guardian": {
    /** Record that a minor's parent or guardian agrees, or declines: then the visit is erased. A booth with an age gate answers a photo of a person who looks too young with 403 `guardian_needed`. */
    post: {
      body: components["schemas"]["ConsentAnswer"];
      response: components["schemas"]["VisitView"] | components["schemas"]["WipedView"];
    };
  };
  "/api/v1/visit/photo": {
    /** Send a photo and detect its faces. With `add`, the people of earlier photos stay. */
    post: {
      query: {
        add?: boolean;
      };
      body: FormData;
      response: components["schemas"]["VisitView"];
    };
    /** Return the photo, upright and without metadata. */
    get: {
      response: Blob;
    };
  };
  "/api/v1/visit/detect": {
    /** Detect the faces in a frame of the camera, for the guide on the page. The frame is not stored. */
    post: {
      body: Blob;
      response: components["schemas"]["FrameFacesView"];
    };
  };
  "/api/v1/visit/faces": {
    /** Choose one or two faces of the photo. Their encoding starts. */
    post: {
      body: components["schemas"]["ChosenFaces"];
      response: components["schemas"]["VisitView"];
    };
  };
  "/api/v1/visit/cancel": {
    /** Cancel the running encodings. */
    post: {
      response: components["schemas"]["VisitView"];
    };
  };
  "/api/v1/visit/back": {
    /** Go one screen back. */
    post: {
      response: components["schemas"]["VisitView"] | components["schemas"]["WipedView"];
    };
  };
  "/api/v1/visit/go": {
    /** Go to the screen `play`, `friend` or `finish`. */
    post: {
      body: components["schemas"]["Screen"];
      response: components["schemas"]["VisitView"];
    };
  };
  "/api/v1/visit/events": {
    /** Stream the events of the visit: `visit`, `progress`, `queue`, `job`. The whole visit comes first. The booth's own screen also gets `shutter` when the booth's button is pressed. */
    get: {
      events: {
        visit: components["schemas"]["VisitView"] | components["schemas"]["WipedView"] | components["schemas"]["WipePendingView"];
        progress: components["schemas"]["ProgressView"];
        queue: components["schemas"]["QueueView"];
        job: components["schemas"]["JobView"];
        shutter: components["schemas"]["ShutterView"];
      };
    };
  };
  "/api/v1/phone/{token}/photo": {
    /** Send a photo from the visitor's phone. The token is in the QR code that the booth shows. */
    post: {
      path: {
        token: string;
      };
      body: FormData;
      response: components["schemas"]["PhoneView"];
    };
  };
  "/api/v1/visit/export": {
    /** Return everything that is stored about the visit as a zip: photos, likenesses, pictures, films and records. */
    get: {
      response: Blob;
    };
  };
  "/api/v1/visit/export/code": {
    /** Make a code with which a phone can take this data, where the browser is a shared screen that cannot save it. The code leads to this visit only. It ends with the visit, after ten minutes, and with the next code. */
    post: {
      response: components["schemas"]["ExportCodeView"];
    };
  };
  "/api/v1/visit/export/qr.svg": {
    /** Return the address of this visit's code as a QR code. */
    get: {
      response: Blob;
    };
  };
  "/api/v1/people/{id}/preview": {
    /** Draw the predicted face at slider values, at once. A request that a newer `n` replaced is answered 409. */
    get: {
      path: {
        id: string;
      };
      query: {
        /** Age: change in years */
        age?: number | null;
        /** Smile: probability */
        smile?: number | null;
        /** Glasses: probability */
        glasses?: number | null;
        /** Turn: change in degrees */
        yaw?: number | null;
        /** Nod: change in degrees */
        pitch?: number | null;
        /** Mouth: probability */
        mouth_open?: number | null;
        /** Man, woman: probability */
        gender?: number | null;
        /** Eyes: change in points */
        eye_opening?: number | null;
        /** Brows: change in points */
        brows?: number | null;
        /** Beard: probability */
        beard?: number | null;
        /** Hair color: change in points */
        hair_lightness?: number | null;
        /** Warmth of the hair: change in points */
        hair_warmth?: number | null;
        /** Hair length: probability */
        hair_length?: number | null;
        /** Skin tone: change in degrees */
        skin_tone?: number | null;
        /** Face: change in points */
        face_fullness?: number | null;
        /** Number that grows; older requests are answered 409 'stale' */
        n?: number;
        /** Side of the picture in pixels */
        size?: number;
      };
      response: Blob;
    };
  };
  "/api/v1/people/{id}/image": {
    /** Draw a person as shown now, or at a step. During the encoding, this is its latest picture. */
    get: {
      path: {
        id: string;
      };
      query: {
        /** Side of the picture in pixels */
        size?: number;
        /** Version, so that browsers do not show an old picture */
        v?: string;
        /** Step of the history; 0 is as encoded */
        step?: number | null;
        /** Id of a kept step */
        kept?: string;
      };
      response: Blob;
    };
  };
  "/api/v1/people/{id}/crop": {
    /** Return the aligned crop of the photo. */
    get: {
      path: {
        id: string;
      };
      response: Blob;
    };
  };
  "/api/v1/people/{id}/edit": {
    /** Edit a person to slider values, as far as the bounds of all other attributes allow. The result is checked and corrected. `outcome` tells what was reached and which bounds stopped the edit. */
    post: {
      path: {
        id: string;
      };
      body: components["schemas"]["SliderValues"];
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/people/{id}/undo": {
    /** Undo the last step. */
    post: {
      path: {
        id: string;
      };
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/people/{id}/redo": {
    /** Redo the step that was undone last. */
    post: {
      path: {
        id: string;
      };
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/people/{id}/reset": {
    /** Go back to the person as encoded. */
    post: {
      path: {
        id: string;
      };
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/people/{id}/keep": {
    /** Keep the current step. */
    post: {
      path: {
        id: string;
      };
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/people/{id}/kept/{kept}": {
    /** Go to a kept step. */
    post: {
      path: {
        id: string;
        kept: string;
      };
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/people/{id}/mix": {
    /** Replace layers of a person with those of another person or of a generated face. */
    post: {
      path: {
        id: string;
      };
      body: components["schemas"]["PersonMix"];
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/people/{id}/style": {
    /** Draw a person in a style, or as a photo. This is a step, which can be undone; edits go on as before. */
    post: {
      path: {
        id: string;
      };
      body: components["schemas"]["StyleChoice"];
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/people/{id}/surprise": {
    /** Edit two or three random sliders. */
    post: {
      path: {
        id: string;
      };
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/visit/friends/code": {
    /** Return a short code with which another visit can join this one. */
    post: {
      response: components["schemas"]["FriendCodeView"];
    };
  };
  "/api/v1/visit/friends": {
    /** Join the visit of a code. */
    post: {
      body: components["schemas"]["FriendCodeEntry"];
      response: components["schemas"]["FriendCountView"];
    };
  };
  "/api/v1/blend": {
    /** Draw the face between two people. */
    get: {
      query: {
        a: string;
        b: string;
        /** 0 is `a`, 1 is `b` */
        t?: number;
        /** Number that grows with every request of the page */
        n?: number;
        /** Side of the picture in pixels */
        size?: number;
      };
      response: Blob;
    };
  };
  "/api/v1/children": {
    /** Make children of two people at an age, nine unless fewer are asked for. Each child belongs to the visit as soon as it is drawn. Closing the connection cancels the others. */
    post: {
      body: components["schemas"]["Parents"];
      response: components["schemas"]["ChildrenView"];
    };
  };
  "/api/v1/visit/family": {
    /** Make a portrait of two parents and up to six of their children in one light. It is a download. Closing the connection cancels it. */
    post: {
      body: components["schemas"]["FamilyRequest"];
      response: components["schemas"]["DownloadView"];
    };
  };
  "/api/v1/film": {
    /** Start a film; it is a job. */
    post: {
      body: components["schemas"]["FilmRequest"];
      response: components["schemas"]["JobView"];
    };
  };
  "/api/v1/visit/camera/frame": {
    /** Return the next frame of the booth's own camera. It is not stored. Only the booth's own screen gets it, after the visitor's consent, and only when the operator chose a camera. */
    get: {
      response: Blob;
    };
  };
  "/api/v1/visit/camera/photo": {
    /** Take a photo with the booth's own camera, and return it. It is not stored until the visitor sends it. */
    post: {
      response: Blob;
    };
  };
  "/api/v1/operator/camera/frame": {
    /** Return the next frame of the booth's own camera, for the operator's test shot. It is not stored. */
    get: {
      response: Blob;
    };
  };
  "/api/v1/people/{id}/live": {
    /** Draw a person with the pose, smile, lips, eyes and brows of a camera's frame, at most 128 kB of JPEG. The frame is not stored. A frame that a newer `n` replaced is answered 409. The header `X-Faceloom-Face` is 1 when the frame shows a face; otherwise the person returns to rest. */
    post: {
      path: {
        id: string;
      };
      query: {
        years?: number;
        friend?: string;
        mix?: number;
        size?: number;
        ahead?: boolean;
        /** Number that grows with every request of the page */
        n?: number;
      };
      body: Blob;
      response: Blob;
    };
  };
  "/api/v1/people/{id}/show": {
    /** Make a short film of a person. This is a job; its result is the download. */
    post: {
      path: {
        id: string;
      };
      body: components["schemas"]["ShowRequest"];
      response: components["schemas"]["JobView"];
    };
  };
  "/api/v1/visit/finish": {
    /** Make a download. A film is a job; its result is the download. */
    post: {
      body: components["schemas"]["FinishRequest"];
      response: components["schemas"]["DownloadView"] | components["schemas"]["JobView"];
    };
  };
  "/api/v1/visit/downloads": {
    /** Return the downloads of this visit. */
    get: {
      response: components["schemas"]["DownloadsView"];
    };
  };
  "/api/v1/downloads/{id}/gallery": {
    /** Show a picture in the gallery, or remove it from there. */
    post: {
      path: {
        id: string;
      };
      body: components["schemas"]["GalleryChoice"];
      response: components["schemas"]["DownloadView"];
    };
  };
  "/api/v1/downloads/{id}/print": {
    /** Print a picture on the booth's own printer. Answers 429 `print_quota` when the visit has printed enough. */
    post: {
      path: {
        id: string;
      };
      query: {
        copies?: number;
      };
      response: components["schemas"]["PrintedView"];
    };
  };
  "/api/v1/visit/phone/qr.svg": {
    /** Return the address at which a phone can send the photo, as a QR code. */
    get: {
      response: Blob;
    };
  };
  "/api/v1/gallery": {
    /** Return the pictures of the gallery. */
    get: {
      response: components["schemas"]["GalleryView"];
    };
  };
  "/api/v1/random": {
    /** Draw the generated face of a seed. */
    get: {
      query: {
        seed?: number;
        /** Truncation */
        psi?: number;
        /** Side of the picture in pixels */
        size?: number;
      };
      response: Blob;
    };
  };
  "/api/v1/samples": {
    /** Return generated faces for the first screen, and to mix with. */
    get: {
      response: components["schemas"]["SamplesView"];
    };
  };
  "/api/v1/lab/generator": {
    /** Return the generator's layers: their resolutions, and whether they are coarse, middle or fine. */
    get: {
      response: components["schemas"]["GeneratorFacts"];
    };
  };
  "/api/v1/lab/axes": {
    /** Return the strongest axes that a method discovers without labels. */
    get: {
      query: {
        method?: "pca" | "sefa";
      };
      response: components["schemas"]["Axis"][];
    };
  };
  "/api/v1/lab/face": {
    /** Draw a face of the generator. */
    get: {
      query: {
        seed?: number;
        person?: string;
        /** Truncation: 0 is the mean face */
        psi?: number;
        /** Number of layers that are truncated, the coarsest first */
        cutoff?: number;
        /** Method that discovered the axes */
        method?: "pca" | "sefa";
        x_axis?: number;
        /** Standard deviations along the first axis */
        x?: number;
        y_axis?: number;
        /** Standard deviations along the second axis */
        y?: number;
        /** Layers that are moved */
        layers?: "all" | "coarse" | "middle" | "fine";
        /** Side of the picture in pixels */
        size?: number;
      };
      response: Blob;
    };
  };
  "/api/v1/lab/people/{id}": {
    /** Return intermediate results of the networks: the detector's boxes, the LPIPS distance, each layer's style. */
    get: {
      path: {
        id: string;
      };
      response: components["schemas"]["Inspection"];
    };
  };
  "/api/v1/lab/people/{id}/distance": {
    /** Draw a map of the LPIPS distance between photo and likeness: black where it is 0. */
    get: {
      path: {
        id: string;
      };
      response: Blob;
    };
  };
  "/api/v1/lab/drags": {
    /** Start to drag points of a face to their targets. */
    post: {
      body: components["schemas"]["DragRequest"];
      response: components["schemas"]["DragView"];
    };
  };
  "/api/v1/lab/drags/{id}": {
    /** Return the progress of a drag. */
    get: {
      path: {
        id: string;
      };
      response: components["schemas"]["DragView"];
    };
    /** Stop a drag; its result stays. */
    delete: {
      path: {
        id: string;
      };
      response: components["schemas"]["DragView"];
    };
  };
  "/api/v1/lab/drags/{id}/image": {
    /** Return the latest picture of a drag. */
    get: {
      path: {
        id: string;
      };
      response: Blob;
    };
  };
  "/api/v1/lab/drags/{id}/keep": {
    /** Store the result of a drag as a step of the person, which can be undone. */
    post: {
      path: {
        id: string;
      };
      response: components["schemas"]["PersonView"];
    };
  };
  "/api/v1/operator/login": {
    /** Enter the PIN. Each address has five attempts in five minutes; many addresses slow one another down. */
    post: {
      body: components["schemas"]["Login"];
      response: undefined;
    };
  };
  "/api/v1/operator/logout": {
    /** End the operator's session. */
    post: {
      response: undefined;
    };
  };
  "/api/v1/operator/pin": {
    /** Set the PIN, 4 to 12 digits. It survives a restart. An empty PIN brings back a random one at each start. */
    put: {
      body: components["schemas"]["Login"];
      response: undefined;
    };
  };
  "/api/v1/operator/shutdown": {
    /** End the booth as Ctrl-C does, and run the command of --shutdown-command first, which may switch the machine off. The visits stay, as after every other end of the server. */
    post: {
      response: components["schemas"]["ShutdownView"];
    };
  };
  "/api/v1/operator/settings": {
    /** Return the settings. */
    get: {
      response: components["schemas"]["BoothSettings"];
    };
    /** Replace the settings. */
    put: {
      body: components["schemas"]["BoothSettings"];
      response: components["schemas"]["BoothSettings"];
    };
  };
  "/api/v1/operator/state": {
    /** Return the state of the booth: disk, queue, model, memory, time since the start. */
    get: {
      response: components["schemas"]["OperatorView"];
    };
  };
  "/api/v1/operator/logs": {
    /** Return the last lines of the log. */
    get: {
      response: components["schemas"]["LogsView"];
    };
  };
  "/api/v1/operator/visits": {
    /** Erase every visit and all downloads outside the gallery, and try again what could not be erased before. Answers 507 `erase_pending` when the disk keeps something from being erased. */
    delete: {
      response: undefined;
    };
  };
  "/api/v1/operator/gallery": {
    /** Erase the gallery. Answers 507 `erase_pending` when the disk keeps something from being erased. */
    delete: {
      response: undefined;
    };
  };
  "/api/v1/operator/printers": {
    /** Return the printers of CUPS and their states; none without CUPS. */
    get: {
      response: components["schemas"]["PrintersView"];
    };
  };
  "/api/v1/operator/prints": {
    /** Return the last prints that are still stored, the latest first. */
    get: {
      response: components["schemas"]["RecentPrintsView"];
    };
  };
  "/api/v1/operator/prints/{id}": {
    /** Print a picture again, once. The quota of the visit does not count here. */
    post: {
      path: {
        id: string;
      };
      response: undefined;
    };
  };
  "/api/v1/operator/artwork/{kind}": {
    /** Store the logo, or the frame that is laid over a 4x6 print: a PNG, whose transparent parts show the paper. */
    put: {
      path: {
        kind: "logo" | "frame";
      };
      body: FormData;
      response: undefined;
    };
    /** Return the logo or the frame. */
    get: {
      path: {
        kind: "logo" | "frame";
      };
      response: Blob;
    };
    /** Remove the logo or the frame. */
    delete: {
      path: {
        kind: "logo" | "frame";
      };
      response: undefined;
    };
  };
  "/api/v1/exports/{code}": {
    /** Return the address of the data that a code leads to, for the page on the visitor's phone. */
    get: {
      path: {
        code: string;
      };
      response: components["schemas"]["ExportView"];
    };
  };
  "/api/v1/exports/{code}/file": {
    /** Return the data that a code leads to, as `GET /visit/export` does. The visit's expiry is not postponed. */
    get: {
      path: {
        code: string;
      };
      response: Blob;
    };
  };
  "/api/v1/booth": {
    /** Return the facts of this booth that every page needs. */
    get: {
      response: components["schemas"]["BoothView"];
    };
  };
  "/api/v1/health": {
    /** Return whether the worker is ready. */
    get: {
      response: components["schemas"]["HealthView"];
    };
  };
  "/api/v1/downloads/{id}": {
    /** Return the file. Everyone who has the address can read it. `download` makes browsers save it. */
    get: {
      path: {
        id: string;
      };
      query: {
        download?: boolean;
      };
      response: Blob;
    };
  };
  "/api/v1/downloads/{id}/qr.svg": {
    /** Return the address of the phone's page as a QR code. */
    get: {
      path: {
        id: string;
      };
      response: Blob;
    };
  };
  "/api/v1/downloads/{id}/recipe.json": {
    /** Return how the picture was made. */
    get: {
      path: {
        id: string;
      };
      response: components["schemas"]["Recipe"];
    };
  };
  "/api/v1/verify": {
    /** Read the marks of origin in a file: which layers it carries, which are missing, and which were tampered with. The file is not kept. No token is needed, as everyone may ask whether a picture was made here. */
    post: {
      body: FormData;
      response: components["schemas"]["VerifiedView"];
    };
  };
  "/api/v1/detect": {
    /** Detect the faces of a photo, largest first. The photo is not kept. */
    post: {
      body: FormData;
      response: components["schemas"]["DetectedView"];
    };
  };
  "/api/v1/analyze": {
    /** Read the attributes of every face of a photo. The photo is not kept. */
    post: {
      body: FormData;
      response: components["schemas"]["AnalyzedView"];
    };
  };
  "/api/v1/encode": {
    /** Start to encode a face of a photo. This is a job, whose result holds the likeness. A program vouches for the consent of the people in its photos, which is recorded. With an age gate, a photo of a person who looks too young is answered with 403 `guardian_needed` or `too_young`. */
    post: {
      body: FormData;
      response: components["schemas"]["JobView"];
    };
  };
  "/api/v1/edit": {
    /** Edit a likeness to slider values, or by words. Sliders that are not named keep their values. `say` holds changes in words, as 'ten years older, no glasses'; they start at what the picture shows, and go as far as the sliders do. The edit keeps all other attributes and the identity within bounds, and goes as far as they allow: `outcome` tells what was reached and which bounds stopped it. `force` lifts the bounds. `reworded` tells which words were taken for others, where the sentence embedding is installed. */
    post: {
      body: components["schemas"]["LikenessEdit"];
      response: components["schemas"]["LikenessView"];
    };
  };
  "/api/v1/mix": {
    /** Make a new likeness: `a` with layers of `b`. Both stay as they are. */
    post: {
      body: components["schemas"]["LikenessMix"];
      response: components["schemas"]["LikenessView"];
    };
  };
  "/api/v1/child": {
    /** Make a child of two likenesses at an age. It is a likeness of its own. Closing the connection cancels it. */
    post: {
      body: components["schemas"]["ChildRequest"];
      response: components["schemas"]["LikenessView"];
    };
  };
  "/api/v1/likenesses/{id}/film": {
    /** Start a film of a likeness from as encoded to as edited. This is a job, whose url is the film. */
    post: {
      path: {
        id: string;
      };
      response: components["schemas"]["JobView"];
    };
  };
  "/api/v1/morph": {
    /** Start a film of two likenesses that morph into each other. This is a job, whose url is the film. */
    post: {
      body: components["schemas"]["MorphRequest"];
      response: components["schemas"]["JobView"];
    };
  };
  "/api/v1/generate": {
    /** Generate a face from a seed. */
    post: {
      body: components["schemas"]["GenerateRequest"];
      response: components["schemas"]["LikenessView"];
    };
  };
  "/api/v1/likenesses/{id}": {
    /** Return the facts of a likeness: quality, attributes, slider values. */
    get: {
      path: {
        id: string;
      };
      response: components["schemas"]["LikenessView"];
    };
    /** Erase a likeness and all that was made of it. Answers 507 `erase_pending` when the disk keeps something from being erased. The likeness is gone then, the server tries again every few seconds, and so does this request. */
    delete: {
      path: {
        id: string;
      };
      response: undefined;
    };
  };
  "/api/v1/likenesses/{id}/image": {
    /** Draw a likeness as edited, with the marks of AI-generated pictures. `marks=off` is answered with 403 `marks_required` unless the operator's settings allow it; each use is logged. */
    get: {
      path: {
        id: string;
      };
      query: {
        /** Side of the picture in pixels */
        size?: number;
        /** off: without marks, if the operator allows it */
        marks?: "on" | "off";
      };
      response: Blob;
    };
  };
  "/api/v1/likenesses/{id}/file": {
    /** Return a likeness as encoded, as a .likeness file, which the command line and `Studio` open. */
    get: {
      path: {
        id: string;
      };
      response: Blob;
    };
  };
  "/api/v1/likenesses/{id}/export": {
    /** Return everything that is stored about a likeness as a zip. */
    get: {
      path: {
        id: string;
      };
      response: Blob;
    };
  };
  "/api/v1/casts": {
    /** Return the limits of casts on this server, and the formats of its archives. */
    get: {
      response: components["schemas"]["CastOptionsView"];
    };
    /** Begin to cast the people of a brief or a plan. This is a job, whose state is a part of the answer. People appear in `cast` as they are completed. The errors are those of the dry run, and 429 `full` or `cast_space` while other casts take the place. */
    post: {
      body: components["schemas"]["CastRequest"];
      response: components["schemas"]["CastView"];
    };
  };
  "/api/v1/casts/dry-run": {
    /** Draw up to eight people of a plan, the rarest first, and return its cells and the time and the space of a cast. Nothing is kept. A plan that contradicts itself is answered with 422 `plan_error` and a hint, one beyond the limits with 422 `cast_limit`. Closing the connection cancels the trial. */
    post: {
      body: components["schemas"]["CastRequest"];
      response: components["schemas"]["CastEstimate"];
    };
  };
  "/api/v1/casts/{id}": {
    /** Return a cast: its job, its cells, and the people who are cast already. */
    get: {
      path: {
        id: string;
      };
      response: components["schemas"]["CastView"];
    };
    /** Erase a cast and everything made of it; a job that runs is canceled. Answers 507 `erase_pending` when the disk keeps something from being erased. The cast is gone then, the server tries again every few seconds, and so does this request. */
    delete: {
      path: {
        id: string;
      };
      response: undefined;
    };
  };
  "/api/v1/casts/{id}/people/{number}/image": {
    /** Draw the first picture of a person as JPEG, at most as large as it was cast, with the marks of generated ones. */
    get: {
      path: {
        id: string;
        /** Number of the person, from 1 */
        number: number;
      };
      query: {
        /** Side of the picture in pixels */
        size?: number;
        /** Version, so that browsers do not show an old picture */
        v?: string;
      };
      response: Blob;
    };
  };
  "/api/v1/casts/{id}/replace": {
    /** Replace people of a finished cast by others of the same cells; the others stay as they are. This is a job. When it is canceled, the cast stays as it was. */
    post: {
      path: {
        id: string;
      };
      body: components["schemas"]["CastReplacement"];
      response: components["schemas"]["CastView"];
    };
  };
  "/api/v1/casts/{id}/zip": {
    /** Return a finished cast as a zip: pictures and labels in a format, data card, contact sheet, report, latents. */
    get: {
      path: {
        id: string;
      };
      query: {
        format?: "imagefolder" | "coco" | "webdataset" | "nvidia" | "parquet";
      };
      response: Blob;
    };
  };
  "/api/v1/jobs/{id}": {
    /** Return the state of a job. */
    get: {
      path: {
        id: string;
      };
      response: components["schemas"]["JobView"];
    };
    /** Cancel a job. A cast or a likeness that is not finished is erased; replacements leave a cast as it was. */
    delete: {
      path: {
        id: string;
      };
      response: undefined;
    };
  };
  "/api/v1/jobs/{id}/events": {
    /** Stream the progress of a job. The stream ends with the job. */
    get: {
      path: {
        id: string;
      };
      events: {
        job: components["schemas"]["JobView"];
      };
    };
  };
}
