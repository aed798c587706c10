//! Groups of screens in the document, and what they play.

use crate::changes::Expect;
use crate::error::ControlError;
use crate::handle::ControlHandle;
use model::wall::Playing;
use model::{GroupSpec, Label, ScreenSpec, Site, StreamName};

impl ControlHandle {
    /// The groups that its owner sees.
    pub fn groups(&self) -> Vec<GroupSpec> {
        self.site().groups.clone()
    }

    /// A group.
    ///
    /// # Errors
    /// For its owner there is none of that name.
    pub fn group(&self, name: &StreamName) -> Result<GroupSpec, ControlError> {
        take(&self.site(), name)
    }

    /// Declares a group.
    pub async fn add_group(&self, spec: GroupSpec) -> Result<GroupSpec, ControlError> {
        if !self.who().sees(&spec.name) {
            return Err(ControlError::NotYours(spec.name));
        }
        let name = spec.name.clone();
        let changed = self
            .edit(move |site| {
                if find(site, &spec.name).is_ok() {
                    return Err(ControlError::GroupExists(spec.name));
                }
                site.groups.push(spec);
                Ok(())
            })
            .await?;
        take(&changed.site, &name)
    }

    /// Changes a group; what it is called stays.
    pub async fn edit_group(
        &self,
        name: StreamName,
        expect: Expect,
        edit: impl FnOnce(&mut GroupSpec) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<GroupSpec, ControlError> {
        self.sees_group(&name)?;
        let wanted = name.clone();
        let changed = self
            .edit(move |site| {
                let spec = find(site, &wanted)?;
                expect.holds_for(|| format!("group {wanted}"), spec)?;
                edit(spec)?;
                spec.name = wanted;
                Ok(())
            })
            .await?;
        take(&changed.site, &name)
    }

    /// Takes a group back with its screens and streams.
    pub async fn remove_group(&self, name: StreamName, expect: Expect) -> Result<(), ControlError> {
        self.sees_group(&name)?;
        self.edit(move |site| {
            let spec = find(site, &name)?;
            expect.holds_for(|| format!("group {name}"), spec)?;
            site.groups.retain(|other| other.name != name);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Shows something on a group, or, with `None`, nothing any more.
    pub async fn play(
        &self,
        name: StreamName,
        playing: Option<Playing>,
    ) -> Result<GroupSpec, ControlError> {
        let play = |group: &mut GroupSpec| {
            group.playing = playing;
            Ok(())
        };
        self.edit_group(name, Expect::Anything, play).await
    }

    /// Adds a screen to a group.
    pub async fn add_screen(
        &self,
        group: StreamName,
        screen: ScreenSpec,
    ) -> Result<ScreenSpec, ControlError> {
        let id = screen.id.clone();
        let add = move |group: &mut GroupSpec| {
            if group.screen(&screen.id).is_some() {
                let (group, screen) = (group.name.clone(), screen.id);
                return Err(ControlError::ScreenExists { group, screen });
            }
            group.screens.push(screen);
            Ok(())
        };
        let group = self.edit_group(group, Expect::Anything, add).await?;
        take_screen(&group, &id)
    }

    /// A screen of a group.
    ///
    /// # Errors
    /// For its owner there is no such group, or it has no such screen.
    pub fn screen(&self, group: &StreamName, screen: &Label) -> Result<ScreenSpec, ControlError> {
        take_screen(&self.group(group)?, screen)
    }

    /// Changes a screen; its id stays.
    pub async fn edit_screen(
        &self,
        group: StreamName,
        screen: Label,
        expect: Expect,
        edit: impl FnOnce(&mut ScreenSpec) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<ScreenSpec, ControlError> {
        let wanted = screen.clone();
        let change = move |group: &mut GroupSpec| {
            let name = group.name.clone();
            let spec = find_screen(group, &wanted)?;
            expect.holds_for(|| format!("screen {wanted} of {name}"), spec)?;
            edit(spec)?;
            spec.id = wanted;
            Ok(())
        };
        let group = self.edit_group(group, Expect::Anything, change).await?;
        take_screen(&group, &screen)
    }

    /// Takes a screen back.
    pub async fn remove_screen(
        &self,
        group: StreamName,
        screen: Label,
        expect: Expect,
    ) -> Result<(), ControlError> {
        let remove = move |group: &mut GroupSpec| {
            let name = group.name.clone();
            let spec = find_screen(group, &screen)?;
            expect.holds_for(|| format!("screen {screen} of {name}"), spec)?;
            group.screens.retain(|other| other.id != screen);
            Ok(())
        };
        let removed = self.edit_group(group, Expect::Anything, remove);
        removed.await.map(drop)
    }

    /// # Errors
    /// For its owner there is no such group.
    pub(crate) fn sees_group(&self, name: &StreamName) -> Result<(), ControlError> {
        match self.who().sees(name) {
            true => Ok(()),
            false => Err(ControlError::UnknownGroup(name.clone())),
        }
    }
}

fn find<'a>(site: &'a mut Site, name: &StreamName) -> Result<&'a mut GroupSpec, ControlError> {
    let found = site.groups.iter_mut().find(|group| group.name == *name);
    found.ok_or_else(|| ControlError::UnknownGroup(name.clone()))
}

fn take(site: &Site, name: &StreamName) -> Result<GroupSpec, ControlError> {
    let found = site.groups.iter().find(|group| group.name == *name);
    let found = found.cloned();
    found.ok_or_else(|| ControlError::UnknownGroup(name.clone()))
}

fn find_screen<'a>(
    group: &'a mut GroupSpec,
    id: &Label,
) -> Result<&'a mut ScreenSpec, ControlError> {
    let name = &group.name;
    let found = group.screens.iter_mut().find(|screen| screen.id == *id);
    found.ok_or_else(|| unknown(name, id))
}

fn take_screen(group: &GroupSpec, id: &Label) -> Result<ScreenSpec, ControlError> {
    let found = group.screen(id).cloned();
    found.ok_or_else(|| unknown(&group.name, id))
}

fn unknown(group: &StreamName, screen: &Label) -> ControlError {
    ControlError::UnknownScreen {
        group: group.clone(),
        screen: screen.clone(),
    }
}
